"""The command ``export``."""

from pathlib import Path
from typing import Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import (
    AccountArgument,
    AtOption,
    BeforeOption,
    GoneOption,
    JsonOption,
    MailboxOption,
    RunOption,
    SinceOption,
)
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
    layout: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="maildir: maildir++ or fs; mbox: thunderbird."),
    ] = None,
    status: Annotated[
        bool, typer.Option("--status", help="mbox: put the flags into the messages.")
    ] = False,
    as_zip: Annotated[bool, typer.Option("--zip", help="Make DEST one zip file.")] = False,
    mailbox: MailboxOption = None,
    at: AtOption = None,
    gone: GoneOption = False,
    since: SinceOption = None,
    before: BeforeOption = None,
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write mail out as Maildir, mbox or eml files."""
    from mailvault import wiring
    from mailvault.cli.choices import TypedSelection, chosen_selection
    from mailvault.cli.export_report import explain_export, export_json, export_lines
    from mailvault.operations import export as operation

    settings = configuration(context)
    form = wiring.ExportForm(file_format, layout, has_status=status, is_zip=as_zip)
    typed = TypedSelection(
        account=account,
        mailbox=mailbox,
        at=at,
        gone=gone,
        since=since,
        before=before,
        run=run,
    )
    with wiring.open_archive(settings, writing=False) as archive:
        selection = chosen_selection(archive, settings, typed)
        with (
            wiring.open_destination(form, destination, archive) as target,
            watched(context) as progress,
        ):
            report = operation.export(archive, target, selection, progress=progress)
    if as_json:
        emit_json(export_json(report))
    elif invocation(context).verbosity >= 0:
        for line in export_lines(report, destination):
            emit(line)
    explain_export(report, invocation(context).log_format)
    raise typer.Exit(report.exit_code)
