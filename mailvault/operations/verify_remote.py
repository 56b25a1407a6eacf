"""Verify --remote: is everything that is on the server in the archive? Changes neither."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import MailboxView
from mailvault.errors import (
    AccountSuspended,
    ConnectionLost,
    LoginRefused,
    MailvaultError,
    ServerBusy,
    SourceError,
    UsageError,
)
from mailvault.mail.changes import JobEnded
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Mailbox, MailboxName, Uid
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.patience import judged, pause, standing_after
from mailvault.operations.remote_mailbox import Depth, MailboxComparison
from mailvault.operations.remote_report import (
    RemoteAccount,
    RemoteKind,
    RemoteMailbox,
    RemoteReport,
)
from mailvault.operations.reports import Progress
from mailvault.operations.verify import VerifyFinding
from mailvault.ports import Inspecting

log = logging.getLogger(__name__)

KIND = "verify-remote"

_OF_THE_ACCOUNT = (ConnectionLost, LoginRefused, ServerBusy, AccountSuspended)
"""What says nothing of the mailbox that was being compared: no other one would fare better."""


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """``only`` narrows the accounts' globs; ``by_hand``: a person named the accounts."""

    depth: Depth
    only: MailboxGlobs | None = None
    by_hand: bool = False


def verify_remote(
    archive: Archive,
    accounts: Sequence[SyncAccount],
    options: RemoteOptions,
    progress: Progress,
) -> RemoteReport:
    """Compare each account's server with the archive, one connection at a time.

    One account's trouble never stops the others. Writes down only that it was done.
    """
    return RemoteReport(
        tuple(AccountComparison(archive, each, options, progress).run() for each in accounts)
    )


@dataclass(slots=True)
class AccountComparison:
    """Compares one account. Raises only what concerns the archive itself."""

    archive: Archive
    account: SyncAccount
    options: RemoteOptions
    progress: Progress
    _mailboxes: list[RemoteMailbox] = field(default_factory=list)
    _findings: list[VerifyFinding] = field(default_factory=list)

    def run(self) -> RemoteAccount:
        started_at = self.archive.now()
        standing = self.archive.standings.of(self.account.name)
        error = pause(standing, started_at, by_hand=self.options.by_hand)
        if error is None:
            error = judged(self._compared(), self.archive.now())
            after = standing_after(standing, error, self.archive.now())
            if self.account.allowance is not None:
                day, octets = self.account.allowance.spent()
                after = replace(after, day=day, octets=octets)
            self.archive.note_standing(self.account.name, after)
        report = RemoteAccount(
            self.account.name, tuple(self._mailboxes), tuple(self._findings), error
        )
        self.archive.note_job(
            JobEnded(
                kind=KIND,
                started_at=started_at,
                at=self.archive.now(),
                exit_code=report.exit_code,
                account=self.account.name,
                checked=sum(each.matched for each in self._mailboxes),
                octets=sum(each.octets for each in self._mailboxes),
                detail=_told(self.options.depth),
            )
        )
        return report

    def _compared(self) -> MailvaultError | None:
        """Compare all mailboxes; give what ended it before its time."""
        try:
            if self.account.allowance is not None:
                self.account.allowance.check()
            with self.account.open_source() as source:
                assert isinstance(source, Inspecting)  # both kinds of servers can
                return self._compare_all(source)
        except (SourceError, UsageError) as failure:
            log.info("%s: %s", self.account.name, failure)
            return failure

    def _compare_all(self, source: Inspecting) -> MailvaultError | None:
        archived = {
            view.name: view for view in self.archive.catalog.mailboxes(self.account.name)
        }
        debts = self._debts()
        listed = [each for each in source.everything() if each.is_selectable]
        for mailbox in filter(self._is_asked_for, listed):
            view = archived.pop(mailbox.name, None)
            try:
                self._compare(source, mailbox, view, debts.get(mailbox.name, {}))
            except _OF_THE_ACCOUNT as error:
                return error
        self._mailboxes += self._no_longer_there(archived.values())
        return None

    def _compare(
        self,
        source: Inspecting,
        mailbox: Mailbox,
        view: MailboxView | None,
        debts: Mapping[Uid, str],
    ) -> None:
        if not self.account.globs.matches(mailbox.name):
            self._leave_out(mailbox, view)
            return
        if view is None:
            self._miss(mailbox)
            return
        self.progress.mailbox(self.account.name, mailbox.name, mailbox.state.messages)
        comparison = MailboxComparison(
            self.archive, source, self.account.name, mailbox, view, debts,
            self.options.depth, self.progress,
        )  # fmt: skip
        error: SourceError | None = None
        try:
            comparison.run()
        except SourceError as failure:
            error = failure
        self._mailboxes.append(replace(comparison.numbers, error=error))
        self._findings += comparison.findings
        self.progress.done(self.account.name, mailbox.name)
        if isinstance(error, _OF_THE_ACCOUNT):
            raise error

    def _is_asked_for(self, mailbox: Mailbox) -> bool:
        return self.options.only is None or self.options.only.matches(mailbox.name)

    def _leave_out(self, mailbox: Mailbox, view: MailboxView | None) -> None:
        messages = mailbox.state.messages
        in_archive = view.messages if view else 0
        self._mailboxes.append(
            RemoteMailbox(
                mailbox.name, is_selected=False, on_server=messages, in_archive=in_archive
            )
        )
        count = "an unknown number of" if messages is None else str(messages)
        detail = f"the account's globs leave it out, with {count} messages"
        self._find(RemoteKind.UNSELECTED, mailbox.name, detail)

    def _miss(self, mailbox: Mailbox) -> None:
        messages = mailbox.state.messages
        self._mailboxes.append(
            RemoteMailbox(mailbox.name, on_server=messages, absent=messages or 0)
        )
        count = "an unknown number of" if messages is None else str(messages)
        detail = f"the mailbox is not in the archive yet, with {count} messages"
        self._find(RemoteKind.ABSENT, mailbox.name, detail)

    def _no_longer_there(self, views: Iterable[MailboxView]) -> Iterator[RemoteMailbox]:
        for view in views:
            asked = self.options.only is None or self.options.only.matches(view.name)
            if asked and view.is_selectable:
                yield RemoteMailbox(
                    view.name,
                    is_selected=self.account.globs.matches(view.name),
                    in_archive=view.messages,
                    gone=view.messages,
                )

    def _debts(self) -> dict[MailboxName, dict[Uid, str]]:
        debts: dict[MailboxName, dict[Uid, str]] = {}
        for debt in self.archive.catalog.debts(self.account.name):
            debts.setdefault(debt.mailbox, {})[debt.uid] = debt.reason
        return debts

    def _find(self, kind: RemoteKind, mailbox: MailboxName, detail: str) -> None:
        self._findings.append(
            VerifyFinding(kind.value, detail, account=self.account.name, mailbox=mailbox)
        )


def _told(depth: Depth) -> str:
    if depth.is_full:
        return "full"
    return f"sample {depth.percent:g}%" if depth.percent else "quick"
