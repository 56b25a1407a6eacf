"""The command ``copy``."""

from pathlib import Path
from typing import Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json
from mailvault.cli.progress import watched


def copy(
    context: typer.Context,
    destination: Annotated[
        Path,
        typer.Argument(metavar="DEST", help="The folder of the copy: new, empty or a copy."),
    ],
    is_verified: Annotated[
        bool, typer.Option("--verify", help="Read and hash the whole copy afterwards.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Copy the archive to another place: only what is new there."""
    from mailvault import wiring
    from mailvault.cli.copy_report import copy_json, copy_lines
    from mailvault.wiring.telling import telling

    settings = configuration(context)
    with telling(settings, "copy") as told, watched(context) as progress:
        report = wiring.copy(settings, destination, is_verified=is_verified, progress=progress)
        told.done(report.exit_code, f"{report.files} files copied")
    if as_json:
        emit_json(copy_json(report))
    else:
        for line in copy_lines(report, is_quiet=invocation(context).verbosity < 0):
            emit(line)
    raise typer.Exit(report.exit_code)
