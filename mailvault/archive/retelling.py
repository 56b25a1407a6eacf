"""Tells the history that a catalog holds once more, as records that make the same catalog.

What only led from one state to another within a run - cursors in between, flags that were
changed twice - is not told again: nobody can ask for it. Whether the records give an equal
catalog is for `comparison` to say, and nobody should rely on it before.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Generic, Protocol, TypeAlias, TypeVar

from mailvault.archive.catalog import retold
from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.catalog.retold import Debt, End
from mailvault.archive.catalog.words import batched
from mailvault.mail.changes import (
    MailboxChanged,
    Owed,
    Pruned,
    Quarantined,
    Record,
    Reflagged,
)
from mailvault.mail.model import RunNumber, Uid

GROUP = 1000
"""Messages in one record."""


class Fact(Protocol):
    """Something that happened in a mailbox."""

    @property
    def run(self) -> int: ...

    @property
    def mailbox_id(self) -> int: ...

    @property
    def uidvalidity(self) -> int: ...


T = TypeVar("T", bound=Fact)

Told: TypeAlias = tuple[RunNumber, list[Record]]
"""Records that may make up one group of the journal, and the run they belong to."""


def retell(catalog: Catalog) -> Iterator[Told]:
    """Yield everything the catalog knows, the oldest first, in groups of a bearable size."""
    with catalog.reading() as connection:
        history = _History(retold.Facts(connection))
        yield from _bounded(history.tell())


def _bounded(told: Iterable[tuple[RunNumber, Record]]) -> Iterator[Told]:
    for run, records in groupby(told, key=lambda each: each[0]):
        group: list[Record] = []
        weight = 0
        for _, record in records:
            group.append(record)
            weight += _weight(record)
            if weight >= GROUP:
                yield run, group
                group, weight = [], 0
        if group:
            yield run, group


def _weight(record: Record) -> int:
    if not isinstance(record, MailboxChanged):
        return 1
    return len(record.placed) + len(record.reflagged) + len(record.expunged) + 1


@dataclass
class _Debts:
    """Which debts to tell of in which run."""

    before: dict[int, list[Debt]] = field(default_factory=lambda: defaultdict(list))
    after: dict[int, list[Debt]] = field(default_factory=lambda: defaultdict(list))
    settled: dict[int, list[Debt]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, debts: Iterable[Debt]) -> "_Debts":
        found = cls()
        for debt in debts:
            found._sort(debt)
        return found

    def _sort(self, debt: Debt) -> None:
        """One attempt in the last run, all others in the first: no more is known."""
        runs = [debt.first_run] * (debt.attempts - 1) + [debt.last_run]
        for run in runs:
            (self.before if run == debt.settled_run else self.after)[run].append(debt)
        if debt.settled_run is not None:
            self.settled[debt.settled_run].append(debt)


class _History:
    """Walks the runs; what happened in each is taken from streams sorted by run."""

    def __init__(self, facts: retold.Facts) -> None:
        self._facts = facts
        self._births = _ByRun(facts.births())
        self._changes = _ByRun(facts.flag_changes())
        self._expunges = _ByRun(facts.expunged())
        self._brief = _ByRun(facts.expunged_at_once())
        self._renumberings = _ByRun(facts.renumbered())
        self._debts = _Debts.of(facts.debts())

    def tell(self) -> Iterator[tuple[RunNumber, Record]]:
        run, accounts = RunNumber(1), self._facts.accounts()
        for started in self._facts.runs():
            run = started.run
            yield run, started
            yield from ((run, account) for account in accounts)
            accounts = []
            yield from ((run, record) for record in self._of_run(run))
        yield from ((run, record) for record in self._at_last())

    def _of_run(self, run: int) -> Iterator[Record]:
        yield from self._facts.described(run)
        yield from _owed(self._debts.before[run])
        for mailbox_id, uidvalidity, changes in _in_mailboxes(self._changes.take(run)):
            reflagged = tuple(Reflagged(each.uid, each.flags) for each in changes)
            yield MailboxChanged(mailbox_id, uidvalidity, reflagged=reflagged)
        yield from _expunged(self._expunges.take(run))
        yield from self._settlements(run)
        for mailbox_id, uidvalidity, births in _in_mailboxes(self._births.take(run)):
            placed = tuple(each.placed for each in births)
            yield MailboxChanged(mailbox_id, uidvalidity, placed=placed)
        for each in self._renumberings.take(run):
            yield MailboxChanged(each.mailbox_id, each.uidvalidity, is_complete=True)
        yield from _expunged(self._brief.take(run))
        yield from _owed(self._debts.after[run])
        yield from self._facts.gone(run)
        yield from self._facts.suspicions(run)
        yield from self._facts.endings(run)

    def _settlements(self, run: int) -> Iterator[Record]:
        """Debts that the message itself did not settle by arriving."""
        for debt in self._debts.settled[run]:
            if not self._facts.is_born(debt, run):
                uids = (Uid(debt.uid),)
                yield MailboxChanged(debt.mailbox_id, debt.uidvalidity, expunged=uids)

    def _at_last(self) -> Iterator[Record]:
        yield from self._facts.cursors()
        yield from self._facts.jobs()
        forgotten = list(self._facts.forgotten())
        for start in range(0, len(forgotten), GROUP):
            yield Pruned(tuple(forgotten[start : start + GROUP]))
        for since, digests in self._facts.quarantined().items():
            yield Quarantined(since, tuple(digests))


class _ByRun(Generic[T]):
    """A stream sorted by run, from which the part of one run after the other is taken."""

    def __init__(self, facts: Iterator[T]) -> None:
        self._facts = facts
        self._next = next(facts, None)

    def take(self, run: int) -> Iterator[T]:
        while self._next is not None and self._next.run == run:
            yield self._next
            self._next = next(self._facts, None)


def _in_mailboxes(facts: Iterable[T]) -> Iterator[tuple[int, int, list[T]]]:
    """Cut a stream where the mailbox or its numbering changes, and where it gets long."""
    for key, some in groupby(facts, key=lambda each: (each.mailbox_id, each.uidvalidity)):
        for part in batched(some, GROUP):
            yield (*key, part)


def _expunged(ends: Iterable[End]) -> Iterator[Record]:
    for mailbox_id, uidvalidity, some in _in_mailboxes(ends):
        uids = tuple(each.uid for each in some)
        removed = tuple(each.uid for each in some if each.is_removed)
        yield MailboxChanged(mailbox_id, uidvalidity, expunged=uids, removed=removed)


def _owed(debts: Iterable[Debt]) -> Iterator[Record]:
    for each in debts:
        owed = (Owed(Uid(each.uid), each.reason),)
        yield MailboxChanged(each.mailbox_id, each.uidvalidity, owed=owed)
