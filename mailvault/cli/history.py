"""The command ``history``."""

import typer

from mailvault.cli.invocation import configuration
from mailvault.cli.options import JsonOption, MessageArgument
from mailvault.cli.output import emit, emit_json


def history(
    context: typer.Context, message: MessageArgument, as_json: JsonOption = False
) -> None:
    """Show the life of a message: where it was, and when."""
    from mailvault import wiring
    from mailvault.cli.choices import chosen_digest
    from mailvault.cli.history_report import history_json, history_lines
    from mailvault.operations.history import history as operation

    with wiring.open_archive(configuration(context), writing=False) as archive:
        report = operation(archive, chosen_digest(archive, message))
    if as_json:
        emit_json(history_json(report))
        return
    for line in history_lines(report):
        emit(line)
