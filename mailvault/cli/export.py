"""The command ``export``."""

from pathlib import Path
from typing import Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import AccountArgument, AtOption, JsonOption, MailboxOption
from mailvault.cli.output import emit, emit_json
from mailvault.cli.progress import watched


def export(
    context: typer.Context,
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="The folder to fill; new, empty or resumed.")
    ],
    account: AccountArgument = None,
    file_format: Annotated[
        str, typer.Option("--format", metavar="maildir|mbox|eml", help="What to write.")
    ] = "",
    mailbox: MailboxOption = None,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write mail out as Maildir, mbox or eml files."""
    from mailvault import wiring
    from mailvault.cli.choices import (
        archived_account,
        chosen_globs,
        chosen_mailboxes,
        chosen_run,
    )
    from mailvault.cli.export_report import explain_export, export_json, export_lines
    from mailvault.operations import export as operation

    settings = configuration(context)
    with wiring.open_archive(settings, writing=False) as archive:
        account = archived_account(archive, settings, account)
        chosen_mailboxes(archive, account, mailbox)
        run, globs = chosen_run(archive, at), chosen_globs(mailbox)
        with (
            wiring.open_destination(file_format, destination, archive) as folder,
            watched(context) as progress,
        ):
            report = operation.export(
                archive, folder, account=account, globs=globs, at=run, progress=progress
            )
    if as_json:
        emit_json(export_json(report))
    elif invocation(context).verbosity >= 0:
        for line in export_lines(report, destination):
            emit(line)
    explain_export(report, invocation(context).log_format)
    raise typer.Exit(report.exit_code)
