"""The command ``convert``."""

from pathlib import Path
from typing import Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json
from mailvault.cli.progress import watched
from mailvault.errors import UsageError


def convert(
    context: typer.Context,
    destination: Annotated[
        Path,
        typer.Argument(metavar="DEST", help="The folder for the new archive; new or empty."),
    ],
    store: Annotated[
        str,
        typer.Option("--store", metavar="sqlite|maildir", help="How it shall keep mail."),
    ],
    as_json: JsonOption = False,
) -> None:
    """Make an archive with the other store, history included."""
    from mailvault import wiring
    from mailvault.cli.copy_report import convert_json, convert_lines

    if store not in ("sqlite", "maildir"):
        raise UsageError(
            f"there is no store {store!r}", hint="choose --store sqlite or maildir"
        )
    with watched(context) as progress:
        report = wiring.convert(configuration(context), destination, store, progress=progress)
    if as_json:
        emit_json(convert_json(report))
    else:
        for line in convert_lines(report, is_quiet=invocation(context).verbosity < 0):
            emit(line)
    raise typer.Exit(report.exit_code)
