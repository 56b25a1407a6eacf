"""Deleting over POP3: in a session of its own, each message compared before, QUIT believed.

A second session shows whether unique-ids outlive the first, which is all they are for. What
it lists under a name is compared with the archive, so that a name used again is no message
deleted unread.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from mailvault.errors import ConnectionLost, ProtocolViolation, SourceError
from mailvault.mail.model import Batch, Octets, Uid, digest_of
from mailvault.ports import Kept, Proven
from mailvault.protocols.imap.uidset import EMPTY, UidSet
from mailvault.sources.pop3_pass import UIDVALIDITY, MailboxPass
from mailvault.sources.pop3_session import Pop3Session
from mailvault.transport.pop3 import Pop3Client

log = logging.getLogger(__name__)


class Pop3Removal:
    """One deletion after a pass. Begins when the first messages are to be compared."""

    def __init__(self, session: Pop3Session, walked: MailboxPass) -> None:
        self._session = session
        self._walked = walked
        self._client: Pop3Client | None = None
        self._sure: dict[Uid, str] = {}
        self.flaw: str | None = None
        self.has_removed = False

    def begin(self, *, in_new_session: bool, says_quit: bool) -> None:
        """Raises SourceError when there is no second session to be had."""
        if in_new_session:
            if says_quit:
                self._session.finish()
            else:
                self._session.drop()
            self._session.reopen()
        self._client = self._session.client
        self.flaw = self._session.listing.flaw or self._changes()

    def _changes(self) -> str | None:
        before, now = self._walked.names, self._session.reliable.keys()
        if len(before - now) * 2 > len(before) and now - before:
            return "the server gives its messages other unique-ids in each session"
        return None

    def certain(self, proven: Sequence[Proven]) -> list[Uid]:
        """Those that the server has, octet for octet as far as it is asked."""
        if self.flaw is not None:
            return []
        named = {
            self._session.reliable[each.kept.uidl]: each
            for each in proven
            if each.kept.uidl is not None and each.kept.uidl in self._session.reliable
        }
        doubted = []
        same = []
        for top in self._session.client.tops(named):
            known = named[top.number]
            if isinstance(top.octets, bytes) and _is_header(top.octets, known.head):
                same.append(known.kept)
            else:
                _discard(top.octets)
                doubted.append(top.number)
        for whole in self._session.client.retrieve(doubted):
            known = named[whole.number]
            if whole.octets is not None and digest_of(whole.octets) == known.kept.digest:
                same.append(known.kept)
            elif whole.octets is not None:
                log.warning("%s is not the message archived as %s", known.kept.uidl, known.kept)
            _discard(whole.octets)
        return [self._remember(kept) for kept in same]

    def _remember(self, kept: Kept) -> Uid:
        assert kept.uidl is not None
        self._sure[kept.uid] = kept.uidl
        return kept.uid

    def intend(self, uids: Sequence[Uid]) -> Batch:
        """Should QUIT stay unanswered, the next session tells what became of these."""
        cursor = replace(self._walked.cursor, asked=UidSet.of(uids))
        return Batch(UIDVALIDITY, cursor.format())

    def remove(self, uids: Sequence[Uid]) -> Batch:
        """DELE, then QUIT: only its +OK counts (RFC 1939 6)."""
        if self._client is None or self._session.client is not self._client:
            raise ConnectionLost("the session ended before anything was deleted")
        numbers = {self._session.reliable[self._sure[uid]]: uid for uid in uids}
        try:
            deleted = [numbers[number] for number in self._client.delete(numbers)]
            is_done = self._client.quit()
        except (ConnectionLost, ProtocolViolation) as lost:
            log.warning("it is not known whether %d messages were deleted: %s", len(uids), lost)
            return self._settle(uids)
        self._session.drop()
        if not is_done:
            log.warning("the server says that it did not delete everything")
            return self._settle(uids)
        return self._gone(deleted, EMPTY)

    def _settle(self, uids: Sequence[Uid]) -> Batch:
        """Ask in another session what is gone; what is not may yet go."""
        self._session.drop()
        try:
            self._session.reopen()
        except SourceError as error:
            log.warning("the next sync will tell: %s", error)
            return self.intend(uids)
        if self._session.listing.flaw is not None:
            return self.intend(uids)
        still = [uid for uid in uids if self._sure[uid] in self._session.reliable]
        return self._gone([uid for uid in uids if uid not in set(still)], UidSet.of(still))

    def _gone(self, uids: Sequence[Uid], asked: UidSet) -> Batch:
        self.has_removed = bool(uids)
        gone = tuple(sorted(uids))
        cursor = replace(self._walked.cursor, asked=asked)
        return Batch(UIDVALIDITY, cursor.format(), expunged=gone, removed=gone)


def _is_header(top: bytes, head: bytes) -> bool:
    """Whether TOP gave exactly the header that was archived; some omit the empty line."""
    return bool(top.strip(b"\r\n")) and top.rstrip(b"\r\n") == head.rstrip(b"\r\n")


def _discard(octets: Octets | None) -> None:
    if octets is not None and not isinstance(octets, bytes):
        octets.discard()
