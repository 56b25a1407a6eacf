"""The command ``migrate``."""

from typing import TYPE_CHECKING

import typer

from mailvault.cli.invocation import chosen_accounts, configuration, invocation
from mailvault.cli.options import (
    FixOption,
    JsonOption,
    MailboxOption,
    MapOption,
    MoveNothingOption,
    NewArgument,
    OldArgument,
    ReadBackOption,
    RejectsOption,
)
from mailvault.cli.output import emit_report
from mailvault.cli.progress import watched
from mailvault.errors import UsageError

if TYPE_CHECKING:
    from mailvault.config.model import AccountSettings, Configuration
    from mailvault.mail.globs import MailboxGlobs
    from mailvault.operations.reports import Progress, SyncReport


def migrate(
    context: typer.Context,
    old: OldArgument,
    new: NewArgument,
    mailbox: MailboxOption = None,
    mapping: MapOption = None,
    dry_run: MoveNothingOption = False,
    rejects: RejectsOption = None,
    fix: FixOption = False,
    verify: ReadBackOption = "some",
    as_json: JsonOption = False,
) -> None:
    """Move an account to another server; safe to repeat."""
    from mailvault import wiring
    from mailvault.cli.choices import chosen_globs
    from mailvault.cli.migrate_report import explain_migration, migrate_json, migrate_lines
    from mailvault.cli.upload import TypedUpload, Upload
    from mailvault.operations import migrate as operation
    from mailvault.operations.selection import Selection

    settings = configuration(context)
    source, target = _both(settings, old, new)
    upload = Upload(settings, target, TypedUpload(mapping, rejects, fix, verify, dry_run))
    only = chosen_globs(mailbox)
    with upload.target() as open_target, watched(context) as progress:
        synced = _synced(settings, source, only, progress, dry_run=dry_run)
        begun = operation.MigrationReport(old, new, synced)
        with (
            wiring.open_archive(settings, writing=False) as archive,
            upload.options(archive, Selection(globs=only)) as options,
        ):
            report = operation.migrate(archive, begun, open_target, options, progress)
    emit_report(context, migrate_json(report) if as_json else None, migrate_lines(report))
    explain_migration(report, only, invocation(context).log_format)
    raise typer.Exit(report.exit_code)


def _both(
    settings: "Configuration", old: str, new: str
) -> "tuple[AccountSettings, AccountSettings]":
    (source,), (target,) = chosen_accounts(settings, [old]), chosen_accounts(settings, [new])
    if (source.host.lower(), source.user) == (target.host.lower(), target.user):
        raise UsageError(
            f"{old} and {new} are the same account", hint="name the one to move to"
        )
    return source, target


def _synced(
    settings: "Configuration",
    source: "AccountSettings",
    only: "MailboxGlobs | None",
    progress: "Progress",
    *,
    dry_run: bool,
) -> "SyncReport":
    from mailvault import wiring

    with wiring.open_archive(settings, writing=not dry_run) as archive:
        if dry_run:
            return wiring.preview(archive, [source], only=only)
        return wiring.sync(archive, [source], only=only, by_hand=True, progress=progress)
