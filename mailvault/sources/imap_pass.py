"""One pass over one IMAP mailbox: what changed below the watermark, then what is above it.

The watermark is the cursor's UIDNEXT: every message below it is settled, that is archived,
owed, or known not to exist.
"""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from mailvault.mail.model import (
    Arrival,
    Batch,
    Digest,
    FlagsChange,
    Recognition,
    Uid,
    Unreadable,
    digest_of,
)
from mailvault.ports import Fingerprint, Known
from mailvault.protocols.imap.uidset import UidSet
from mailvault.sources import imap_delta
from mailvault.sources.gmail_labels import Labels
from mailvault.sources.gmail_labels import names_messages as names_of_messages
from mailvault.sources.imap_bodies import BodyFetcher
from mailvault.sources.imap_cursor import ImapCursor
from mailvault.sources.imap_delta import Delta
from mailvault.sources.imap_session import ImapSession
from mailvault.sources.imap_setback import Setback, by_fingerprints, find_setback
from mailvault.transport.imap_values import Fetched, Selected

log = logging.getLogger(__name__)

NONE = UidSet.of(())

LONGEST_WAIT = 600.0
"""Seconds that a commit may last; after that a message is at worst downloaded twice."""

FINGERPRINTS = 500
"""Messages whose Message-ID, size and date are asked for at once."""


class MailboxPass:
    """Walks one mailbox that ``selected`` is the EXAMINE of. Yields batches, oldest first."""

    def __init__(
        self,
        session: ImapSession,
        wire_name: bytes,
        *,
        selected: Selected,
        cursor: ImapCursor | None,
        known: Known,
        own_label: str | None = None,
    ) -> None:
        self._labels = Labels(known, own_label)
        self._session = session
        self._selected = selected
        self._known = known
        self._resumed = cursor
        self._uidvalidity = epoch(selected, known)
        self._bodies = BodyFetcher(session, wire_name, selected.state.uidvalidity)
        self._at = self._start(cursor)

    def _start(self, cursor: ImapCursor | None) -> ImapCursor:
        """The cursor the pass sets out with: the given one, or what the archive bears out."""
        if cursor is not None and cursor.uidvalidity == self._uidvalidity:
            return cursor
        self._resumed = None
        if self._known.uidvalidity() == self._uidvalidity:  # the cursor alone was lost
            return ImapCursor(self._uidvalidity, self._known.highest() + 1)
        return ImapCursor(self._uidvalidity)

    @property
    def _last(self) -> Uid:
        """The highest settled UID."""
        return Uid(self._at.uidnext - 1)

    def run(self) -> Iterator[Batch]:
        """Yield all that happened; the last batch is complete and carries the full cursor."""
        owed = UidSet.of(self._known.owed()) if self._last else NONE
        expected = self._known.count() + len(owed) if self._last else 0
        new = self.new_uids()
        if self._last:
            setback = self._setback()
            if setback is not None:
                yield from self._set_back(setback)
            else:
                for delta in self._below(expected, len(new)):
                    yield from self._delta(delta)
            yield from self._settle(owed)
        # From here on flags are as of the HIGHESTMODSEQ that EXAMINE told.
        self._at = replace(self._at, modseq=self._selected.state.highestmodseq, messages=None)
        yield from self._above(new)
        yield Batch(self._uidvalidity, self._final().format(), is_complete=True)

    def _final(self) -> ImapCursor:
        state = self._selected.state
        uidnext = max(self._at.uidnext, state.uidnext or 0)
        exists = self._selected.exists
        return replace(self._at, uidnext=uidnext, messages=exists, asked=NONE)

    def new_uids(self) -> UidSet:
        """The messages above the watermark."""
        state = self._selected.state
        if self._selected.exists == 0 or state.uidnext == self._at.uidnext:
            return NONE
        client = self._session.client
        found = client.search_uids(Uid(self._at.uidnext))
        if self._at.uidnext == 1 and len(found) < self._selected.exists:
            # Some servers cap what SEARCH returns; what FETCH lists is not capped.
            found |= UidSet.of(m.uid for m in client.fetch_flags(UidSet.parse(b"1:*")))
        return found

    # Below the watermark

    def _setback(self) -> Setback | None:
        modseq = self._resumed.modseq if self._resumed else None
        return find_setback(self._session.client, self._selected, self._at, modseq)

    def _set_back(self, setback: Setback) -> Iterator[Batch]:
        """Believe no UID: compare everything below the watermark, which may go down."""
        log.warning("%s: every message is compared", setback.what)
        for delta in by_fingerprints(
            self._session.client, self._known, self._last, self._labels
        ):
            if setback.explains(delta.expunged):
                yield Batch(self._uidvalidity, suspicion=setback.suspicion)
            yield from self._delta(delta)
            for batch in self._doubted(delta.doubtful):
                suspicion = setback.suspicion if batch.expunged else None
                yield replace(batch, suspicion=suspicion)
        self._at = setback.cursor(self._at)

    def _doubted(self, uids: UidSet) -> Iterator[Batch]:
        """Take in those that are others than the archived ones: their octets tell."""
        if not uids:
            return
        before = Uid(uids.ranges[0][0] - 1)
        kept = self._known.kept(before, imap_delta.WINDOW)
        archived = {each.uid: each.digest for each in kept}
        for bodies in self._bodies.fetch(uids):
            others, flags = [], []
            for each in bodies.arrived:
                if digest_of(each.octets) != archived.get(each.uid):
                    others.append(each)
                    continue
                flags.append(FlagsChange(each.uid, each.flags))
                if not isinstance(each.octets, bytes):
                    each.octets.discard()
            gone = tuple(each.uid for each in others)
            yield Batch(self._uidvalidity, flags_changed=tuple(flags), expunged=gone)
            yield Batch(self._uidvalidity, arrived=tuple(others), unreadable=bodies.unreadable)

    def _below(self, expected: int, new: int) -> Iterator[Delta]:
        client, known, last = self._session.client, self._known, self._last
        modseq = self._resumed.modseq if self._resumed else None
        if modseq is None or self._selected.state.highestmodseq is None:
            yield from imap_delta.by_full_scan(client, known, last, self._labels)
            return
        if self._selected.vanished is not None:
            for delta in imap_delta.of_vanished(self._selected.vanished, known, last):
                expected -= len(delta.expunged)
                yield delta
        is_certain = True
        changed = self._changed(modseq)
        for delta in imap_delta.of_changed(changed, known, last, self._labels):
            is_certain = is_certain and not delta.unknown
            yield replace(delta, unknown=NONE)
        # UIDs are never used again, so equal counts mean equal sets: RFC 9051 2.3.1.1.
        if not is_certain or expected + new != self._selected.exists:
            yield from imap_delta.by_listing(client, known, last)

    def _changed(self, modseq: int) -> Iterable[Fetched]:
        if self._selected.vanished is not None:  # the server did QRESYNC
            return self._selected.changed
        below = UidSet(((1, self._last),))
        return self._session.client.fetch_flags(below, changed_since=modseq)

    def _delta(self, delta: Delta) -> Iterator[Batch]:
        if delta.changed or delta.expunged:
            yield Batch(
                self._uidvalidity,
                flags_changed=delta.changed,
                expunged=delta.expunged,
                removed=tuple(uid for uid in delta.expunged if uid in self._at.asked),
            )
        if delta.unknown:
            yield from self._unknown(delta.unknown)

    def _unknown(self, uids: UidSet) -> Iterator[Batch]:
        """Take in what lies below the watermark but is not in the archive, or not any more."""
        uids = uids - UidSet.of(self._known.owed())
        for some in uids.split(FINGERPRINTS):
            digests = self._known.returned([Uid(uid) for uid in some])
            listed = self._session.client.fetch_fingerprints(UidSet.of(digests))
            returned = tuple(  # some servers give a UID again, to another message
                each
                for each in self._recognise({m.uid: m for m in listed if m.uid in digests})
                if each.digest == digests[each.uid]
            )
            if returned:
                yield Batch(self._uidvalidity, recognised=returned)
            yield from self._download(some - UidSet.of(each.uid for each in returned))

    def _settle(self, owed: UidSet) -> Iterator[Batch]:
        """Ask again for what the server would not give; what it lists no more is settled."""
        if not owed:
            return
        first, last = owed.ranges[0][0], owed.ranges[-1][1]
        listed = self._session.client.search_uids(Uid(first), Uid(last)) & owed
        gone = tuple(map(Uid, owed - listed))
        if gone:
            yield Batch(self._uidvalidity, expunged=gone)
        yield from self._download(listed)

    def _download(self, uids: UidSet) -> Iterator[Batch]:
        """Fetch messages below the watermark: the cursor stays."""
        for bodies in self._bodies.fetch(uids):
            yield Batch(self._uidvalidity, arrived=bodies.arrived, unreadable=bodies.unreadable)

    # Above the watermark

    def _above(self, new: UidSet) -> Iterator[Batch]:
        names_messages = new and names_of_messages(self._session.client.capabilities)
        is_renumbered = self._known.has_earlier() or self._is_new_epoch()
        if not is_renumbered and not names_messages:
            yield from self._fetch(new)
            return
        if names_messages:
            yield from self._settled()
        for some in new.split(FINGERPRINTS):
            listed = {m.uid: m for m in self._session.client.fetch_fingerprints(some)}
            recognised = self._named(listed) if names_messages else ()
            if is_renumbered:
                settled = {each.uid for each in recognised}
                rest = {uid: m for uid, m in listed.items() if uid not in settled}
                recognised += self._recognise(rest)
            yield from self._fetch(some - UidSet.of(r.uid for r in recognised), listed)
            self._at = replace(self._at, uidnext=some.ranges[-1][1] + 1)
            yield Batch(self._uidvalidity, self._at.format(), recognised=recognised)

    def _is_new_epoch(self) -> bool:
        return self._known.uidvalidity() not in (None, self._uidvalidity)

    def _settled(self) -> Iterator[Batch]:
        """Wait until what was read before is in the archive, where it can be recognised."""
        stored = threading.Event()
        yield Batch(self._uidvalidity, stored=stored.set)
        stored.wait(LONGEST_WAIT)

    def _named(self, listed: dict[Uid, Fetched]) -> tuple[Recognition, ...]:
        """Settle what the server calls as it does a message that the archive has."""
        names = [m.email_id for m in listed.values() if m.email_id is not None]
        same = self._known.by_email_id(names)
        return tuple(
            self._recognition(m, same[m.email_id].digest)
            for m in listed.values()
            if m.email_id in same and same[m.email_id].size == m.size
        )

    def _recognition(self, fetched: Fetched, digest: Digest) -> Recognition:
        return Recognition(
            fetched.uid,
            digest,
            fetched.flags or frozenset(),
            fetched.internal_date,
            email_id=fetched.email_id,
            labels=self._labels.of(fetched),
        )

    def _recognise(self, listed: dict[Uid, Fetched]) -> tuple[Recognition, ...]:
        """Settle what certainly is a message the archive has under an earlier UIDVALIDITY."""
        digests = self._known.recognise(
            [
                Fingerprint(m.uid, m.size, m.internal_date, m.message_id)
                for m in listed.values()
                if m.size is not None and m.message_id
            ]
        )
        return tuple(self._recognition(listed[uid], digest) for uid, digest in digests.items())

    def _fetch(
        self, uids: UidSet, listed: Mapping[Uid, Fetched] = MappingProxyType({})
    ) -> Iterator[Batch]:
        for bodies in self._bodies.fetch(uids):
            self._at = replace(self._at, uidnext=max(self._at.uidnext, bodies.last + 1))
            arrived = tuple(self._marked(each, listed.get(each.uid)) for each in bodies.arrived)
            yield self._arrived(arrived, bodies.unreadable)

    def _marked(self, arrival: Arrival, fetched: Fetched | None) -> Arrival:
        if fetched is None or fetched.email_id is None:
            return arrival
        return replace(arrival, email_id=fetched.email_id, labels=self._labels.of(fetched))

    def _arrived(
        self, arrived: tuple[Arrival, ...], unreadable: tuple[Unreadable, ...]
    ) -> Batch:
        return Batch(
            self._uidvalidity, self._at.format(), arrived=arrived, unreadable=unreadable
        )


def epoch(selected: Selected, known: Known) -> int:
    """The mailbox's UIDVALIDITY, or a new number each time where the server keeps none.

    RFC 9051 2.3.1.1: without one, UIDs mean nothing in the next session. Then every pass is
    an epoch of its own, and messages are recognised by what they are.
    """
    return selected.state.uidvalidity or (known.uidvalidity() or 0) + 1
