"""The command ``migrate``."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailvault.cli.invocation import chosen_accounts, configuration, invocation
from mailvault.cli.options import (
    FixOption,
    JsonOption,
    MailboxOption,
    MapOption,
    ReadBackOption,
    RejectsOption,
)
from mailvault.cli.output import emit, emit_json
from mailvault.cli.progress import watched
from mailvault.errors import UsageError

if TYPE_CHECKING:
    from mailvault.config.model import AccountSettings, Configuration
    from mailvault.mail.globs import MailboxGlobs
    from mailvault.operations.reports import Progress, SyncReport


def migrate(
    context: typer.Context,
    old: Annotated[str, typer.Argument(metavar="OLD", help="The account to move from.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The account to move to.")],
    mailbox: MailboxOption = None,
    mapping: MapOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be moved; change nothing.")
    ] = False,
    rejects: RejectsOption = None,
    fix: FixOption = False,
    verify: ReadBackOption = "some",
    as_json: JsonOption = False,
) -> None:
    """Move an account to another server; safe to repeat."""
    from mailvault import wiring
    from mailvault.cli.choices import chosen_globs, chosen_read_back
    from mailvault.cli.heap import bound_heap
    from mailvault.cli.migrate_report import explain_migration, migrate_json, migrate_lines
    from mailvault.operations import migrate as operation
    from mailvault.operations.restore_report import MailboxMap, RestoreOptions
    from mailvault.operations.selection import Selection

    bound_heap()
    settings = configuration(context)
    source, target = _both(settings, old, new)
    mailbox_map, read_back = MailboxMap(mapping or ()), chosen_read_back(verify)
    only = chosen_globs(mailbox)
    with ExitStack() as resources:
        folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="mailvault-"))
        open_target = wiring.target_factory(target, Path(folder))
        progress = resources.enter_context(watched(context))
        synced = _synced(settings, source, only, progress, dry_run=dry_run)
        archive = resources.enter_context(wiring.open_archive(settings, writing=False))
        allowance = wiring.upload_allowance(archive, target)
        options = RestoreOptions(
            clock=wiring.SystemClock(),
            selection=Selection(globs=only),
            mapping=mailbox_map,
            target_account=new,
            dry_run=dry_run,
            rejects=None
            if rejects is None or dry_run
            else resources.enter_context(wiring.rejects_folder(rejects, archive)),
            fix=fix,
            allowance=allowance,
            read_back=read_back,
            connections=target.connections,
        )
        begun = operation.MigrationReport(old, new, synced)
        report = operation.migrate(archive, begun, open_target, options, progress)
        wiring.note_upload(settings, target, allowance)
    if as_json:
        emit_json(migrate_json(report))
    elif invocation(context).verbosity >= 0:
        for line in migrate_lines(report):
            emit(line)
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
