"""What lies elsewhere, or with other flags, at one time than at another. In short reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from sqlalchemy import ColumnElement, and_, exists, func, not_, select, tuple_

from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.catalog.mailboxes import present_at
from mailvault.archive.catalog.placements import (
    PAGE,
    flags_at,
    select_placements,
    view_of,
)
from mailvault.archive.catalog.tables import flag_change, flag_set, message, placement
from mailvault.archive.catalog.views import MailboxView, PlacementView
from mailvault.archive.catalog.words import AnyQuery, AnyRow, read_flags
from mailvault.mail.model import RunNumber

STRETCH = 5000
"""Messages looked at in one read."""


@dataclass(frozen=True, slots=True)
class Lying:
    """A message in a mailbox as it was at one of the two times."""

    mailbox_id: int
    view: PlacementView


@dataclass(frozen=True, slots=True)
class Touched:
    """One message: where it lay only before, and where it lies only after."""

    before: tuple[Lying, ...]
    after: tuple[Lying, ...]


@dataclass(frozen=True, slots=True)
class Reflagged:
    """A message that stayed where it was, and got other flags."""

    before: PlacementView
    after: PlacementView


class Differences:
    """What is different after run ``last`` from what was after run ``first``, an earlier one.

    Run 0 is before everything. The names of mailboxes are those of each time.
    """

    def __init__(
        self, catalog: Catalog, first: RunNumber, last: RunNumber, account: str | None
    ) -> None:
        self._catalog = catalog
        self._first = first
        self._last = last
        self._before = _by_id(catalog, account, first)
        self._after = _by_id(catalog, account, last)

    @property
    def mailboxes(self) -> list[tuple[MailboxView | None, MailboxView | None]]:
        """Each mailbox as it was and as it is; None where it was not there."""
        order = [*self._after, *(each for each in self._before if each not in self._after)]
        pairs = ((self._before.get(each), self._after.get(each)) for each in order)
        return [(_present(before), _present(after)) for before, after in pairs]

    def touched(self) -> Iterator[Touched]:
        """Every message that came to or left a mailbox, each once, in the archive's order."""
        for start in range(1, self._highest() + 1, STRETCH):
            left = self._stretch(self._first, self._last, self._before, start)
            came = self._stretch(self._last, self._first, self._after, start)
            for number in sorted({*left, *came}):
                yield Touched(tuple(left.get(number, ())), tuple(came.get(number, ())))

    def reflagged(self) -> Iterator[Reflagged]:
        """Every message that lay in the same place at both times, with other flags."""
        earlier = flag_set.alias()
        before, after = flags_at(self._first), flags_at(self._last)
        query = (
            select_placements(self._last)
            .add_columns(earlier.c.flags.label("flags_before"))
            .join(earlier, earlier.c.id == before)
            .where(present_at(self._first), present_at(self._last))
            .where(_was_reflagged(self._first, self._last))
            .where(before != after)
        )
        for mailbox in self._after.values():
            yield from self._reflagged_in(mailbox, query)

    def _reflagged_in(self, mailbox: MailboxView, query: AnyQuery) -> Iterator[Reflagged]:
        key = (placement.c.uidvalidity, placement.c.uid, placement.c.first_run)
        query = query.where(placement.c.mailbox_id == mailbox.mailbox_id).order_by(*key)
        some = query
        while True:
            with self._catalog.reading() as connection:
                rows = connection.execute(some.limit(PAGE)).all()
            for row in rows:
                after = view_of(row, mailbox)
                name, flags = self._before[row.mailbox_id].name, read_flags(row.flags_before)
                yield Reflagged(replace(after, mailbox=name, flags=flags), after)
            if len(rows) < PAGE:
                return
            last = rows[-1]
            some = query.where(
                tuple_(*key) > tuple_(last.uidvalidity, last.uid, last.first_run)
            )

    def _highest(self) -> int:
        with self._catalog.reading() as connection:
            return connection.scalar(select(func.max(message.c.id))) or 0

    def _stretch(
        self,
        there: RunNumber,
        not_there: RunNumber,
        mailboxes: Mapping[int, MailboxView],
        start: int,
    ) -> dict[int, list[Lying]]:
        """What was in a mailbox at one time and not at the other, by message."""
        query = (
            select_placements(there)
            .add_columns(placement.c.message_id.label("number"))
            .where(and_(present_at(there), not_(present_at(not_there))))
            .where(placement.c.message_id.between(start, start + STRETCH - 1))
            .order_by(placement.c.message_id, *placement.primary_key)
        )
        with self._catalog.reading() as connection:
            rows = connection.execute(query).all()
        return {
            number: _lying(some, mailboxes)
            for number, some in groupby(rows, key=lambda row: int(row.number))
        }


def _was_reflagged(first: RunNumber, last: RunNumber) -> ColumnElement[bool]:
    return exists().where(
        flag_change.c.mailbox_id == placement.c.mailbox_id,
        flag_change.c.uidvalidity == placement.c.uidvalidity,
        flag_change.c.uid == placement.c.uid,
        flag_change.c.run > first,
        flag_change.c.run <= last,
    )


def _lying(rows: Iterator[AnyRow], mailboxes: Mapping[int, MailboxView]) -> list[Lying]:
    """Those of the chosen account."""
    return [
        Lying(row.mailbox_id, view_of(row, mailboxes[row.mailbox_id]))
        for row in rows
        if row.mailbox_id in mailboxes
    ]


def _by_id(catalog: Catalog, account: str | None, at: RunNumber) -> dict[int, MailboxView]:
    views = catalog.mailboxes(account, at, include_gone=True)
    return {view.mailbox_id: view for view in views}


def _present(view: MailboxView | None) -> MailboxView | None:
    return None if view is None or view.is_gone else view
