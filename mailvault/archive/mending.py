"""Makes saved records fit together again where some between them are lost.

What a lost record named - a run, an account, a mailbox - is named anew, so that what later
records say of it can be kept. At the end nothing is taken for certain any more: every
mailbox is walked from its beginning by the next sync, which brings back what servers have.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.journal_salvage import Gap, SavedGroup
from mailvault.archive.retelling import Told
from mailvault.mail.changes import (
    Accepted,
    AccountAdded,
    AccountFinished,
    MailboxChanged,
    MailboxDescribed,
    MailboxFinished,
    MailboxGone,
    MemoryLost,
    Record,
    RunFinished,
    RunStarted,
    Suspected,
)
from mailvault.mail.model import MailboxName, RunNumber

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

RECOVERED = "recovered"


class Mender:
    """Told of groups and gaps in their order; `mend` gives what can be written instead."""

    def __init__(self, accounts: Sequence[tuple[str, str]] = ()) -> None:
        """``accounts`` are names and protocols that a lost account may have had."""
        self.gaps: list[Gap] = []
        self._candidates = list(accounts)
        self._run = RunNumber(0)
        self._at = LONG_AGO
        self._accounts: dict[int, str] = {}
        self._mailboxes: dict[int, int] = {}

    @classmethod
    def knowing(cls, catalog: Catalog) -> "Mender":
        """One that goes on where a catalog ends."""
        mender = cls()
        mender._run = catalog.last_run() or RunNumber(0)
        mender._at = next((each.started_at for each in catalog.run_times()), LONG_AGO)
        ids = {view.name: view.account_id for view in catalog.accounts()}
        mender._accounts = {number: name for name, number in ids.items()}
        views = catalog.mailboxes(include_gone=True)
        mender._mailboxes = {view.mailbox_id: ids[view.account] for view in views}
        return mender

    def mend(self, saved: Iterable[SavedGroup | Gap]) -> Iterator[Told]:
        for each, following in _with_next_run(saved):
            if isinstance(each, Gap):
                self.gaps.append(each)
                continue
            records = [*self._prelude(each, following)]
            for record in each.records:
                records += [*self._missing(record), record]
                self._learn(record)
            yield self._run, records
        if self.gaps:
            lost = ", ".join(f"{gap.first} to {gap.first + gap.count - 1}" for gap in self.gaps)
            yield RunNumber(max(1, self._run)), [MemoryLost(f"groups {lost} of the journal")]

    def _prelude(self, group: SavedGroup, following: RunNumber | None) -> Iterator[Record]:
        """A run that a gap swallowed: its number is the one before the next."""
        if any(isinstance(record, RunStarted) for record in group.records[:1]):
            return
        run = self._run if following is None else RunNumber(following - 1)
        if self._run == 0 or (self.gaps and run > self._run):
            self._run = RunNumber(max(1, run))
            yield RunStarted(self._run, self._at)

    def _missing(self, record: Record) -> Iterator[Record]:
        match record:
            case AccountFinished(account_id=number) | Suspected(account_id=number):
                yield from self._account(number)
            case Accepted(account_id=number):
                yield from self._account(number)
            case MailboxDescribed(account_id=number):
                yield from self._account(number)
            case MailboxChanged(mailbox_id=number) | MailboxFinished(mailbox_id=number):
                yield from self._mailbox(number)
            case MailboxGone(mailbox_id=number):
                yield from self._mailbox(number)
        if isinstance(record, Suspected) and record.mailbox_id is not None:
            yield from self._mailbox(record.mailbox_id)

    def _account(self, number: int) -> Iterator[Record]:
        if number in self._accounts:
            return
        free = [each for each in self._candidates if each[0] not in self._accounts.values()]
        name, protocol = free[0] if len(free) == 1 else (f"{RECOVERED}-{number}", "imap")
        self._accounts[number] = name
        yield AccountAdded(number, name, protocol)

    def _mailbox(self, number: int) -> Iterator[Record]:
        if number in self._mailboxes:
            return
        account = max(self._accounts, default=1)
        yield from self._account(account)
        self._mailboxes[number] = account
        yield MailboxDescribed(
            mailbox_id=number,
            account_id=account,
            name=MailboxName((RECOVERED, str(number))),
            special_use=None,
            is_subscribed=None,
            attributes=frozenset(),
            is_selectable=True,
        )

    def _learn(self, record: Record) -> None:
        match record:
            case RunStarted(run=run, at=at):
                self._run, self._at = run, at
            case RunFinished(at=at) | AccountFinished(at=at):
                self._at = at
            case AccountAdded(account_id=number, name=name):
                self._accounts[number] = name
            case MailboxDescribed(mailbox_id=number, account_id=account):
                self._mailboxes[number] = account


def _with_next_run(
    saved: Iterable[SavedGroup | Gap],
) -> Iterator[tuple[SavedGroup | Gap, RunNumber | None]]:
    """Each with the number of the next run that begins behind it."""
    waiting: list[SavedGroup | Gap] = []
    for each in saved:
        starts = (
            []
            if isinstance(each, Gap)
            else [record.run for record in each.records if isinstance(record, RunStarted)]
        )
        if starts:
            yield from ((one, starts[0]) for one in waiting)
            waiting = []
        waiting.append(each)
    yield from ((one, None) for one in waiting)
