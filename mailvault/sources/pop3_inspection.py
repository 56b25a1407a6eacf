"""Compares a POP3 mailbox with the archive: unique-ids, sizes, and bodies where asked."""

from collections.abc import Iterator, Sequence

from mailvault.mail.model import Uid
from mailvault.ports import Comparison, Kept, Known, Listed, Reread
from mailvault.sources.comparing import kept_messages
from mailvault.sources.pop3_bodies import Pop3Bodies
from mailvault.sources.pop3_cursor import Pop3Cursor
from mailvault.sources.pop3_pass import agree
from mailvault.sources.pop3_session import Pop3Session


class Pop3Inspection:
    """The session that is open. A message is known by its unique-id, where that is sound."""

    def __init__(self, session: Pop3Session, cursor: Pop3Cursor, known: Known) -> None:
        self._session = session
        self._cursor = cursor
        self._known = known

    def compare(self) -> Iterator[Comparison]:
        """First what the archive has, then what else the server lists."""
        reliable = self._session.reliable
        matched: set[int] = set()
        for kept in kept_messages(self._known):
            number = reliable.get(kept.uidl) if kept.uidl is not None else None
            if number is None or number in matched:
                yield Comparison(None, kept)
                continue
            matched.add(number)
            size = self._size(number, kept)
            listed = Listed(kept.uidl or "", kept.uid, kept.uidl, number, size)
            yield Comparison(listed, kept)
        listing = self._session.listing
        for number in listing.numbers:
            if number not in matched:
                yield Comparison(self._unmatched(number, listing.name(number)), None)

    def reread(self, wanted: Sequence[Listed]) -> Iterator[Reread]:
        by_name = {(each.uidl or each.number): each for each in wanted}
        asked = [each.number for each in wanted if each.number is not None]
        for got in Pop3Bodies(self._session).fetch(asked):
            listed = by_name[got.wanted.uidl or got.wanted.number]
            yield Reread(listed, got.octets, got.problem)

    def _unmatched(self, number: int, uidl: str | None) -> Listed:
        owed: Uid | None = None if uidl is None else self._cursor.owed.get(uidl)
        return Listed(
            remote_id=uidl or f"message {number}",
            uid=owed,
            uidl=uidl,
            number=number,
            size=self._session.listing.sizes.get(number),
            is_news=True,
            is_named=uidl is not None,
        )

    def _size(self, number: int, kept: Kept) -> int | None:
        """The true size where the server is known to tell it; servers may not count an end."""
        size = self._session.listing.sizes.get(number)
        if not self._cursor.tells_sizes:
            return None
        return kept.size if agree(size, kept.size) else size
