"""The command ``sync``."""

from typing import TYPE_CHECKING

import typer

from mailvault.cli.invocation import Invocation, chosen_accounts, configuration, invocation
from mailvault.cli.options import (
    AcceptEmptyOption,
    AccountsArgument,
    CountOption,
    JsonOption,
    MailboxOption,
)
from mailvault.cli.output import emit, emit_json
from mailvault.cli.outside import show_outside
from mailvault.cli.progress import watched
from mailvault.cli.prompts import can_ask

if TYPE_CHECKING:
    from mailvault.mail.globs import MailboxGlobs
    from mailvault.operations.reports import SyncReport


def sync(
    context: typer.Context,
    accounts: AccountsArgument = None,
    mailbox: MailboxOption = None,
    dry_run: CountOption = False,
    accept_empty: AcceptEmptyOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the archive level with the servers."""
    from mailvault import wiring
    from mailvault.cli.choices import chosen_globs
    from mailvault.housekeeping import bound_heap
    from mailvault.wiring.telling import telling

    bound_heap()
    settings = configuration(context)
    chosen, only = chosen_accounts(settings, accounts), chosen_globs(mailbox)
    by_hand = bool(accounts) and can_ask()
    if dry_run:
        with wiring.open_archive(settings, writing=False) as archive, watched(context):
            report = wiring.preview(archive, chosen, only=only, by_hand=by_hand)
    else:
        with (
            telling(settings, "sync", [each.name for each in chosen]) as told,
            wiring.open_archive(settings, writing=True) as archive,
            watched(context) as progress,
        ):
            report = wiring.sync(
                archive,
                chosen,
                only=only,
                accept_empty=accept_empty,
                by_hand=by_hand,
                progress=progress,
            )
            if only is None:  # else nothing is said of the rest
                told.synced(report)
        show_outside(settings)
    raise typer.Exit(_shown(report, only, invocation(context), as_json=as_json))


def _shown(
    report: "SyncReport", only: "MailboxGlobs | None", asked: Invocation, *, as_json: bool
) -> int:
    from mailvault.cli.sync_report import explain_sync, sync_exit_code, sync_json, sync_lines

    if as_json:
        emit_json(sync_json(report))
    else:
        for line in sync_lines(report, verbosity=asked.verbosity):
            emit(line)
    explain_sync(report, only, asked.log_format)
    return sync_exit_code(report, only)
