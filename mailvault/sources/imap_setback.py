"""A server whose counters went back: what it has under known UIDs may be other messages.

UIDNEXT and HIGHESTMODSEQ only grow under one UIDVALIDITY (RFC 9051 2.3.1.1, RFC 7162 3.1.2).
A server that was restored from a backup goes on from smaller ones, and gives UIDs a second
time. Finding that out costs nothing while all is well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mailvault.mail.model import Uid
from mailvault.ports import Fingerprint, Known
from mailvault.protocols.imap.uidset import UidSet
from mailvault.sources.gmail_labels import Labels
from mailvault.sources.imap_cursor import ImapCursor
from mailvault.sources.imap_delta import Delta, compared, spans
from mailvault.transport.imap import ImapClient
from mailvault.transport.imap_values import Fetched, Selected


@dataclass(frozen=True, slots=True)
class Setback:
    """``uidnext`` is the server's next UID, where that went back."""

    what: str
    uidnext: int | None = None

    @property
    def suspicion(self) -> str:
        return (
            f"{self.what} under the same UIDVALIDITY, as on a server restored from a backup, "
            "and messages that were there are gone or others bear their UIDs"
        )

    def explains(self, expunged: Sequence[Uid]) -> bool:
        """Whether any of these went because the server knows its last messages no more."""
        return self.uidnext is not None and any(uid >= self.uidnext for uid in expunged)

    def cursor(self, at: ImapCursor) -> ImapCursor:
        """Where to go on once everything was compared: new messages have smaller UIDs now."""
        return at if self.uidnext is None else replace(at, uidnext=self.uidnext)


def find_setback(
    client: ImapClient, selected: Selected, at: ImapCursor, modseq: int | None
) -> Setback | None:
    """``at`` is where the archive stands, ``modseq`` what the server told it last."""
    state = selected.state
    told = state.uidnext or at.uidnext
    # Some servers tell a UIDNEXT that was never true: they have messages beyond it.
    if told < at.uidnext and not client.search_uids(Uid(told)):
        what = f"UIDNEXT went back from {at.uidnext} to {told}"
        return Setback(what, told)
    if modseq and state.highestmodseq and state.highestmodseq < modseq:
        return Setback(f"HIGHESTMODSEQ went back from {modseq} to {state.highestmodseq}")
    return None


def by_fingerprints(
    client: ImapClient, known: Known, last: Uid, labels: Labels
) -> Iterator[Delta]:
    """Compare every message up to ``last``: whether it is the one archived, and its flags."""
    for span in spans(known, last):
        yield _compare(client, known, span, labels)


def _compare(
    client: ImapClient, known: Known, window: tuple[Uid, Uid], labels: Labels
) -> Delta:
    found = client.fetch_fingerprints(UidSet((window,)))
    archived = known.fingerprints(*window)
    doubtful = UidSet.of(
        m.uid for m in found if m.uid in archived and not is_same(m, archived[m.uid])
    )
    delta = compared(found, known, window, labels)
    certain = tuple(each for each in delta.changed if each.uid not in doubtful)
    return replace(delta, changed=certain, doubtful=doubtful)


def is_same(found: Fetched, archived: Fingerprint) -> bool:
    """Whether a message looks like the archived one. Where it does not, its octets tell."""
    return (found.size, found.internal_date, found.message_id) == (
        archived.size,
        archived.internal_date,
        archived.message_id,
    )
