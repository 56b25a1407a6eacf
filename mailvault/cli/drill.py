"""The command ``drill``."""

from pathlib import Path
from typing import Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import AccountArgument, JsonOption, share
from mailvault.cli.output import emit, emit_json
from mailvault.cli.progress import watched

ScratchOption = Annotated[
    Path | None,
    typer.Option(
        "--scratch",
        metavar="FOLDER",
        help="Where to restore to for a moment; the system's folder for such if not given.",
        file_okay=False,
    ),
]


def drill(
    context: typer.Context,
    account: AccountArgument = None,
    sample: Annotated[
        float,
        typer.Option("--sample", metavar="PCT", parser=share, help="Restore this share."),
    ] = 1.0,
    scratch: ScratchOption = None,
    as_json: JsonOption = False,
) -> None:
    """Restore a sample to a scratch Maildir, and compare it."""
    from mailvault import wiring
    from mailvault.cli.choices import archived_account
    from mailvault.cli.drill_report import drill_json, drill_lines
    from mailvault.wiring.telling import telling

    settings = configuration(context)
    with (
        telling(settings, "drill") as told,
        wiring.open_archive(settings, writing=False) as archive,
        watched(context) as progress,
    ):
        account = archived_account(archive, settings, account)
        report = wiring.drill(archive, scratch, sample, account=account, progress=progress)
        failed = len(report.failures)
        told.done(report.exit_code, f"{report.restored} restored, {failed} not the same")
    if as_json:
        emit_json(drill_json(report))
    else:
        for line in drill_lines(report, is_quiet=invocation(context).verbosity < 0):
            emit(line)
    raise typer.Exit(report.exit_code)
