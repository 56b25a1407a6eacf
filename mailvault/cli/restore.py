"""The command ``restore``."""

from typing import TYPE_CHECKING

import typer

from mailvault.cli.invocation import chosen_accounts, configuration, invocation
from mailvault.cli.options import (
    ArchivedArgument,
    AtOption,
    BeforeOption,
    FixOption,
    ForetellOption,
    GoneOption,
    JsonOption,
    MailboxOption,
    MapOption,
    ReadBackOption,
    RejectsOption,
    SinceOption,
    TargetOption,
)
from mailvault.cli.output import emit_report
from mailvault.cli.progress import watched
from mailvault.errors import UsageError

if TYPE_CHECKING:
    from mailvault.config.model import AccountSettings, Configuration


def restore(
    context: typer.Context,
    account: ArchivedArgument,
    to: TargetOption = "",
    mailbox: MailboxOption = None,
    mapping: MapOption = None,
    at: AtOption = None,
    gone: GoneOption = False,
    since: SinceOption = None,
    before: BeforeOption = None,
    dry_run: ForetellOption = False,
    rejects: RejectsOption = None,
    fix: FixOption = False,
    verify: ReadBackOption = "some",
    as_json: JsonOption = False,
) -> None:
    """Put mail back on a server, the same or another; safe to repeat."""
    from mailvault import wiring
    from mailvault.cli.choices import TypedSelection, chosen_selection
    from mailvault.cli.restore_report import explain_restore, restore_json, restore_lines
    from mailvault.cli.upload import TypedUpload, Upload
    from mailvault.operations import restore as operation

    settings = configuration(context)
    typed = TypedSelection(
        account=account, mailbox=mailbox, at=at, gone=gone, since=since, before=before
    )
    how = TypedUpload(mapping, rejects, fix, verify, dry_run)
    upload = Upload(settings, _taker(settings, to), how)
    with (
        wiring.open_archive(settings, writing=False) as archive,
        upload.options(archive, chosen_selection(archive, settings, typed)) as options,
        upload.target() as open_target,
        watched(context) as progress,
    ):
        report = operation.restore(archive, account, open_target, options, progress)
    emit_report(context, restore_json(report) if as_json else None, restore_lines(report, to))
    explain_restore(report, invocation(context).log_format)
    raise typer.Exit(report.exit_code)


def _taker(settings: "Configuration", to: str) -> "AccountSettings":
    if not to:
        raise UsageError("--to is missing", hint="name the account that takes the mail")
    (target,) = chosen_accounts(settings, [to])
    return target
