"""One pass over one IMAP mailbox: what changed below the watermark, then what is above it.

The watermark is the cursor's UIDNEXT: every message below it is settled, that is archived,
owed, or known not to exist.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mailvault.mail.model import Arrival, Batch, Recognition, Uid, Unreadable
from mailvault.ports import Fingerprint, Known
from mailvault.protocols.imap.uidset import UidSet
from mailvault.sources import imap_delta
from mailvault.sources.imap_bodies import BodyFetcher
from mailvault.sources.imap_cursor import ImapCursor
from mailvault.sources.imap_delta import Delta
from mailvault.sources.imap_session import ImapSession
from mailvault.transport.imap_values import Fetched, Selected

NONE = UidSet.of(())

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
    ) -> None:
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
        return replace(self._at, uidnext=uidnext, messages=self._selected.exists)

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

    def _below(self, expected: int, new: int) -> Iterator[Delta]:
        client, known, last = self._session.client, self._known, self._last
        modseq = self._resumed.modseq if self._resumed else None
        if modseq is None or self._selected.state.highestmodseq is None:
            yield from imap_delta.by_full_scan(client, known, last)
            return
        if self._selected.vanished is not None:
            for delta in imap_delta.of_vanished(self._selected.vanished, known, last):
                expected -= len(delta.expunged)
                yield delta
        is_certain = True
        for delta in imap_delta.of_changed(self._changed(modseq), known, last):
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
            yield Batch(self._uidvalidity, flags_changed=delta.changed, expunged=delta.expunged)
        if delta.unknown:
            yield from self._unknown(delta.unknown)

    def _unknown(self, uids: UidSet) -> Iterator[Batch]:
        """Take in what lies below the watermark but is not in the archive, or not any more."""
        uids = uids - UidSet.of(self._known.owed())
        for some in uids.split(FINGERPRINTS):
            digests = self._known.returned([Uid(uid) for uid in some])
            returned = UidSet.of(digests)
            if returned:
                listed = self._session.client.fetch_fingerprints(returned)
                yield Batch(
                    self._uidvalidity,
                    recognised=tuple(
                        Recognition(
                            m.uid, digests[m.uid], m.flags or frozenset(), m.internal_date
                        )
                        for m in listed
                        if m.uid in digests
                    ),
                )
            yield from self._download(some - returned)

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
        if not self._known.has_earlier() and not self._is_new_epoch():
            yield from self._fetch(new)
            return
        for some in new.split(FINGERPRINTS):
            recognised = self._recognise(some)
            yield from self._fetch(some - UidSet.of(r.uid for r in recognised))
            self._at = replace(self._at, uidnext=some.ranges[-1][1] + 1)
            yield Batch(self._uidvalidity, self._at.format(), recognised=recognised)

    def _is_new_epoch(self) -> bool:
        return self._known.uidvalidity() not in (None, self._uidvalidity)

    def _recognise(self, uids: UidSet) -> tuple[Recognition, ...]:
        """Settle what certainly is a message the archive has under an earlier UIDVALIDITY."""
        listed = {m.uid: m for m in self._session.client.fetch_fingerprints(uids)}
        digests = self._known.recognise(
            [
                Fingerprint(m.uid, m.size, m.internal_date, m.message_id)
                for m in listed.values()
                if m.size is not None and m.message_id
            ]
        )
        return tuple(
            Recognition(
                uid, digest, listed[uid].flags or frozenset(), listed[uid].internal_date
            )
            for uid, digest in digests.items()
        )

    def _fetch(self, uids: UidSet) -> Iterator[Batch]:
        for bodies in self._bodies.fetch(uids):
            self._at = replace(self._at, uidnext=max(self._at.uidnext, bodies.last + 1))
            yield self._arrived(bodies.arrived, bodies.unreadable)

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
