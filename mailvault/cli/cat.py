"""The command ``cat``."""

import typer

from mailvault.cli.invocation import configuration
from mailvault.cli.options import MessageArgument
from mailvault.cli.output import emit_octets


def cat(context: typer.Context, message: MessageArgument) -> None:
    """Write the exact octets of a message to standard output."""
    from mailvault import wiring
    from mailvault.cli.choices import chosen_digest

    with wiring.open_archive(configuration(context), writing=False) as archive:
        octets = archive.content.get(chosen_digest(archive, message))
        if isinstance(octets, bytes):
            emit_octets([octets])
            return
        try:
            emit_octets(octets.chunks())
        finally:
            octets.discard()
