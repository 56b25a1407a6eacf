"""Sync: one run over some accounts. One account's trouble never stops the others."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from mailvault.archive.archive import Archive
from mailvault.mail.concern import concerning
from mailvault.mail.globs import MailboxGlobs
from mailvault.operations.account_sync import AccountSync, SyncAccount, SyncOptions
from mailvault.operations.reports import AccountReport, Progress, Silent, SyncReport
from mailvault.operations.slots import Line

log = logging.getLogger(__name__)


def sync(
    archive: Archive,
    accounts: Sequence[SyncAccount],
    *,
    mailbox_globs: MailboxGlobs | None = None,
    accept_empty: bool = False,
    by_hand: bool = False,
    progress: Progress | None = None,
) -> SyncReport:
    """Bring the archive level with the servers of these accounts, one after the other.

    Raises:
        ArchiveError: the archive cannot be written; what was committed before stays.
    """
    options = SyncOptions(mailbox_globs, accept_empty, by_hand)
    recorder = archive.start_run()
    try:
        reports = tuple(
            _concerned(AccountSync(account, archive, recorder, progress or Silent(), options))
            for account in accounts
        )
        report = SyncReport(recorder.run, reports)
        recorder.finish(report.exit_code)
    except BaseException:
        # An interrupt too: nothing half-staged may outlive the run.
        recorder.abandon()
        raise
    return report


def _concerned(sync: AccountSync) -> AccountReport:
    """Sync an account; what is logged meanwhile is about it."""
    with concerning(sync.account.name):
        return sync.run()


def sync_together(
    archive: Archive,
    accounts: Sequence[SyncAccount],
    line: Line,
    *,
    at_once: int,
    progress: Progress | None = None,
) -> SyncReport:
    """As `sync`, but ``at_once`` accounts at the same time; the others stand in ``line``."""
    recorder = archive.start_run()

    def run(account: SyncAccount) -> AccountReport:
        line.leave()
        watching = progress or Silent()
        return _concerned(AccountSync(account, archive, recorder, watching, SyncOptions()))

    try:
        with ThreadPoolExecutor(at_once, "account") as pool:
            try:
                for _ in accounts:
                    line.queue()
                reports = tuple(pool.map(run, accounts))
            except BaseException:
                line.stop()  # the others end at their next batch
                raise
        report = SyncReport(recorder.run, reports)
        recorder.finish(report.exit_code)
    except BaseException:
        recorder.abandon()
        raise
    return report
