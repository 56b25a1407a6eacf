"""The command ``export``."""

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import (
    AccountArgument,
    AtOption,
    BeforeOption,
    FillArgument,
    FormatOption,
    GoneOption,
    JsonOption,
    LayoutOption,
    MailboxOption,
    RunOption,
    SinceOption,
    StatusOption,
    ZipOption,
)
from mailvault.cli.output import emit_report
from mailvault.cli.progress import watched


def export(
    context: typer.Context,
    destination: FillArgument,
    account: AccountArgument = None,
    file_format: FormatOption = "",
    layout: LayoutOption = None,
    status: StatusOption = False,
    as_zip: ZipOption = False,
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
        account=account, mailbox=mailbox, at=at, gone=gone, since=since, before=before, run=run
    )
    with wiring.open_archive(settings, writing=False) as archive:
        selection = chosen_selection(archive, settings, typed)
        with (
            wiring.open_destination(form, destination, archive) as target,
            watched(context) as progress,
        ):
            report = operation.export(archive, target, selection, progress=progress)
    lines = export_lines(report, destination)
    emit_report(context, export_json(report) if as_json else None, lines)
    explain_export(report, invocation(context).log_format)
    raise typer.Exit(report.exit_code)
