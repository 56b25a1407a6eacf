"""Compares an IMAP mailbox with the archive: UIDs, sizes, flags, and bodies where asked."""

from collections.abc import Iterator, Sequence

from mailvault.errors import ConnectionLost
from mailvault.mail.model import Uid
from mailvault.ports import Comparison, Known, Listed, Reread
from mailvault.protocols.imap.uidset import UidSet
from mailvault.sources.comparing import kept_messages, merged
from mailvault.sources.imap_bodies import BodyFetcher
from mailvault.sources.imap_cursor import ImapCursor
from mailvault.sources.imap_session import ImapSession
from mailvault.transport.imap_values import Fetched, Selected

BLOCK = 1000
"""Messages listed by one command."""


class ImapInspection:
    """One mailbox that ``selected`` is the EXAMINE of."""

    def __init__(
        self,
        session: ImapSession,
        wire_name: bytes,
        selected: Selected,
        cursor: ImapCursor | None,
        known: Known,
    ) -> None:
        self._session = session
        self._wire_name = wire_name
        self._selected = selected
        self._settled = 1 if cursor is None else cursor.uidnext
        self._known = known

    def compare(self) -> Iterator[Comparison]:
        yield from merged(self._listed(), kept_messages(self._known))

    def reread(self, wanted: Sequence[Listed]) -> Iterator[Reread]:
        listed = {each.uid: each for each in wanted if each.uid is not None}
        uidvalidity = self._selected.state.uidvalidity
        bodies = BodyFetcher(self._session, self._wire_name, uidvalidity)
        for some in bodies.fetch(UidSet.of(listed)):
            for arrival in some.arrived:
                yield Reread(listed[arrival.uid], arrival.octets)
            for owed in some.unreadable:
                yield Reread(listed[owed.uid], None, owed.reason)

    def _listed(self) -> Iterator[Listed]:
        """What the server lists, ascending; what is expunged meanwhile is left out."""
        for some in self._existing().split(BLOCK):
            found = {each.uid: each for each in self._block(some)}
            for uid in sorted(found):
                yield Listed(
                    remote_id=str(uid),
                    uid=uid,
                    size=found[uid].size,
                    flags=found[uid].flags,
                    is_news=uid >= self._settled,
                )

    def _existing(self) -> UidSet:
        client = self._session.client
        found = client.search_uids(Uid(1))
        if len(found) < self._selected.exists:
            # Some servers cap what SEARCH returns; what FETCH lists is not capped.
            found |= UidSet.of(m.uid for m in client.fetch_flags(UidSet.parse(b"1:*")))
        return found

    def _block(self, uids: UidSet) -> list[Fetched]:
        """List a block; a connection that was lost is made again once."""
        try:
            return list(self._session.client.fetch_listing(uids))
        except ConnectionLost:
            selected = self._session.reopen(self._wire_name)
            if selected.state.uidvalidity != self._selected.state.uidvalidity:
                raise
            return list(self._session.client.fetch_listing(uids))
