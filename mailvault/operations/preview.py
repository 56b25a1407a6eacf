"""What a sync would fetch, without fetching or recording it."""

from collections.abc import Sequence

from mailvault.archive.archive import Archive
from mailvault.errors import SourceError, UsageError
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Cursor, Mailbox
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.credentials import has_changed
from mailvault.operations.patience import judged, pause
from mailvault.operations.reports import AccountReport, MailboxReport, SyncReport
from mailvault.ports import Source

NO_MAILBOX = -1
"""The id of a mailbox the archive does not have: nothing is known of it."""


def preview(
    archive: Archive,
    accounts: Sequence[SyncAccount],
    *,
    mailbox_globs: MailboxGlobs | None = None,
    by_hand: bool = False,
) -> SyncReport:
    """Count the new messages of each mailbox. Neither side is changed.

    An account that rests is not asked, unless ``by_hand``.
    """
    reports = []
    for account in accounts:
        standing = archive.standings.of(account.name)
        may_ask = by_hand or has_changed(standing, account.credential)
        rest = pause(standing, archive.now(), by_hand=may_ask)
        reports.append(
            _preview_account(archive, account, mailbox_globs)
            if rest is None
            else AccountReport(account.name, (), rest)
        )
    return SyncReport(None, tuple(reports))


def _preview_account(
    archive: Archive, account: SyncAccount, only: MailboxGlobs | None
) -> AccountReport:
    views = {view.name: view for view in archive.catalog.mailboxes(account.name)}
    reports: list[MailboxReport] = []
    try:
        if account.allowance is not None:
            account.allowance.check()
        with account.open_source() as source:
            for mailbox in source.mailboxes():
                if not mailbox.is_selectable or (only and not only.matches(mailbox.name)):
                    continue
                view = views.get(mailbox.name)
                cursor, mailbox_id = (
                    (view.cursor, view.mailbox_id) if view else (None, NO_MAILBOX)
                )
                reports.append(_preview_mailbox(archive, source, mailbox, cursor, mailbox_id))
    except (SourceError, UsageError) as error:
        return AccountReport(account.name, tuple(reports), judged(error, archive.now()))
    return AccountReport(account.name, tuple(reports))


def _preview_mailbox(
    archive: Archive, source: Source, mailbox: Mailbox, cursor: Cursor | None, mailbox_id: int
) -> MailboxReport:
    known = archive.known(mailbox_id)
    try:
        if source.is_level(mailbox, cursor, known):
            return MailboxReport(mailbox.name)
        return MailboxReport(mailbox.name, arrived=source.count_new(mailbox, cursor, known))
    except SourceError as error:
        return MailboxReport(mailbox.name, error=error)
