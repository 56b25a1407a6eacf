"""Deleting over IMAP what the archive holds: by UID, and only where UIDPLUS makes that exact.

A UID never names another message (RFC 9051 2.3.1.1), so no message need be compared.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from mailvault.errors import ConnectionLost
from mailvault.mail.model import Batch, Cursor, Uid
from mailvault.ports import Proven
from mailvault.protocols.imap.uidset import EMPTY, UidSet
from mailvault.sources.imap_cursor import ImapCursor
from mailvault.sources.imap_session import ImapSession

log = logging.getLogger(__name__)


def refusal(session: ImapSession) -> str | None:
    capabilities = session.client.capabilities
    if "UIDPLUS" in capabilities or "IMAP4REV2" in capabilities:
        return None
    return (
        "the server offers no UIDPLUS, so messages cannot be deleted one by one and"
        " nothing is deleted there"
    )


class ImapRemoval:
    """One deletion in one mailbox."""

    def __init__(self, session: ImapSession, wire_name: bytes) -> None:
        self._session = session
        self._wire_name = wire_name
        self._uidvalidity: int | None = None
        self._cursor: ImapCursor | None = None

    def certain(self, proven: Sequence[Proven]) -> list[Uid]:
        """Those that exist under the UIDVALIDITY they were archived under."""
        if self._uidvalidity is None:
            selected = self._session.examine(self._wire_name)
            self._uidvalidity = selected.state.uidvalidity
        uids = [each.kept.uid for each in proven if each.uidvalidity == self._uidvalidity]
        if not uids:
            return []
        found = self._session.client.search_uids(Uid(min(uids)), Uid(max(uids)))
        return [uid for uid in uids if uid in found]

    def intend(self, uids: Sequence[Uid], since: Cursor | None) -> Batch | None:
        """Should the answer never come, the next pass knows what it was that went."""
        assert self._uidvalidity is not None  # `certain` was asked
        self._cursor = ImapCursor.parse(since) if since else None
        return self._asked(UidSet.of(uids))

    def _asked(self, uids: UidSet, gone: UidSet = EMPTY) -> Batch:
        assert self._uidvalidity is not None
        cursor = replace(self._cursor, asked=uids).format() if self._cursor else None
        expunged = tuple(map(Uid, gone))
        return Batch(self._uidvalidity, cursor, expunged=expunged, removed=expunged)

    def remove(self, uids: Sequence[Uid]) -> Batch:
        assert self._uidvalidity is not None
        wanted = UidSet.of(uids)
        try:
            gone = self._session.client.expunge(
                self._wire_name, wanted, uidvalidity=self._uidvalidity
            )
        except ConnectionLost as lost:
            log.warning("it is not known whether %d messages were deleted: %s", len(uids), lost)
            return self._settle(wanted, lost)
        return self._asked(EMPTY, gone)

    def _settle(self, wanted: UidSet, lost: ConnectionLost) -> Batch:
        """Ask in another session what is gone; what is not may yet go.

        Raises ConnectionLost: there is none to be had, and the next sync will tell.
        """
        selected = self._session.reopen(self._wire_name)
        if selected.state.uidvalidity != self._uidvalidity:
            raise lost
        first, last = wanted.ranges[0][0], wanted.ranges[-1][1]
        still = self._session.client.search_uids(Uid(first), Uid(last)) & wanted
        return self._asked(still, wanted - still)
