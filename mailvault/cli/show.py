"""The command ``show``."""

import typer

from mailvault.cli.invocation import configuration
from mailvault.cli.options import JsonOption, MessageArgument
from mailvault.cli.output import emit, emit_json


def show(context: typer.Context, message: MessageArgument, as_json: JsonOption = False) -> None:
    """Show one message: header, attachments, places and text."""
    from mailvault import wiring
    from mailvault.cli.choices import chosen_digest
    from mailvault.cli.message_shapes import message_json, message_lines
    from mailvault.operations import show as operation

    with wiring.open_archive(configuration(context), writing=False) as archive:
        shown = operation.show(archive, chosen_digest(archive, message))
    if as_json:
        emit_json(message_json(shown))
        return
    for line in message_lines(shown):
        emit(line)
