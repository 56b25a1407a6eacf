"""Deleting over IMAP what the archive holds: by UID, and only where UIDPLUS makes that exact.

A UID should never name another message (RFC 9051 2.3.1.1), but servers restored from a
backup give UIDs again: so each message is compared with the archived one before.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from mailvault.errors import ConnectionLost
from mailvault.mail.envelope import parse_envelope
from mailvault.mail.model import Batch, Cursor, Uid, digest_of
from mailvault.ports import Kept, Proven
from mailvault.protocols.imap.uidset import EMPTY, UidSet
from mailvault.sources.imap_cursor import ImapCursor
from mailvault.sources.imap_session import ImapSession
from mailvault.transport.imap_values import Fetched

log = logging.getLogger(__name__)

SET = 8
"""Messages in one command; each may be large."""


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
        """Those that exist under the UIDVALIDITY they were archived under, and are the same."""
        if self._uidvalidity is None:
            selected = self._session.examine(self._wire_name)
            self._uidvalidity = selected.state.uidvalidity
        known = {e.kept.uid: e for e in proven if e.uidvalidity == self._uidvalidity}
        listed = self._session.client.fetch_fingerprints(UidSet.of(known)) if known else []
        same = {each.uid for each in listed if _is_alike(each, known[each.uid])}
        same |= self._same([known[each.uid].kept for each in listed if each.uid not in same])
        return [uid for uid in known if uid in same]

    def _same(self, doubted: Sequence[Kept]) -> set[Uid]:
        """Those whose octets are the archived ones, which settles every doubt."""
        digests = {each.uid: each.digest for each in doubted}
        same: set[Uid] = set()
        sets = list(UidSet.of(digests).split(SET)) if digests else []
        for answer in self._session.client.fetch_bodies(sets):
            for fetched in answer.messages:
                if fetched.body is None:
                    continue
                if digest_of(fetched.body) == digests[fetched.uid]:
                    same.add(fetched.uid)
                else:
                    log.warning("UID %d is not the message archived under it", fetched.uid)
                if not isinstance(fetched.body, bytes):
                    fetched.body.discard()
        return same

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


def _is_alike(found: Fetched, proven: Proven) -> bool:
    """Whether a message has the size and the Message-ID of the archived one."""
    message_id = parse_envelope(proven.head).message_id
    if message_id is None or found.size != proven.kept.size:
        return False
    return found.message_id == message_id
