"""The command ``metrics``."""

from pathlib import Path
from typing import Annotated

import typer

from mailvault.cli.invocation import configuration
from mailvault.cli.output import emit_octets


def metrics(
    context: typer.Context,
    textfile: Annotated[
        Path | None,
        typer.Option("--textfile", metavar="FILE", help="Write a file for node_exporter."),
    ] = None,
) -> None:
    """Print numbers about every account for Prometheus."""
    from mailvault.monitoring.exposition import Exposition, require_library
    from mailvault.monitoring.files import FOR_ALL, replace_public
    from mailvault.monitoring.overview import read_overview

    require_library()
    settings = configuration(context)
    exposition = Exposition(lambda: read_overview(settings))
    text = exposition.text()
    if textfile is None and exposition.error is None:
        emit_octets([text])
    elif textfile is not None:
        replace_public(textfile, text, FOR_ALL)
    if exposition.error is not None:
        raise exposition.error
