"""What changed among the messages that the archive has: flags and expunges.

By QRESYNC (RFC 7162) from what EXAMINE told; by CONDSTORE with CHANGEDSINCE; else by a scan
of all flags. In windows of some thousand UIDs, so memory does not grow with the mailbox.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from mailvault.mail.model import Flags, FlagsChange, Uid
from mailvault.ports import Known
from mailvault.protocols.imap.uidset import UidSet
from mailvault.sources.gmail_labels import Labels
from mailvault.transport.imap import ImapClient
from mailvault.transport.imap_values import Fetched

WINDOW = 4_000


@dataclass(frozen=True, slots=True)
class Delta:
    """Some changes below the watermark.

    ``unknown``: listed there, but not in the archive. ``doubtful``: under the UID of an
    archived message, but perhaps another one.
    """

    changed: tuple[FlagsChange, ...] = ()
    expunged: tuple[Uid, ...] = ()
    unknown: UidSet = field(default_factory=lambda: UidSet.of(()))
    doubtful: UidSet = field(default_factory=lambda: UidSet.of(()))


def windows(known: Known, last: Uid) -> Iterator[list[Uid]]:
    """The archive's present UIDs up to ``last``, ascending, some thousand at a time."""
    after = Uid(0)
    while uids := [uid for uid in known.uids_after(after, WINDOW) if uid <= last]:
        yield uids
        after = uids[-1]


def spans(known: Known, last: Uid) -> Iterator[tuple[Uid, Uid]]:
    """All UIDs up to ``last``, in ranges that hold some thousand of the archive's at most."""
    first = Uid(1)
    for uids in windows(known, last):
        yield first, uids[-1]
        first = Uid(uids[-1] + 1)
    if first <= last:
        yield first, last


def by_full_scan(
    client: ImapClient, known: Known, last: Uid, labels: Labels
) -> Iterator[Delta]:
    """Compare the flags of every message up to ``last``, and Gmail's labels."""
    for span in spans(known, last):
        yield compared(list(client.fetch_flags(UidSet((span,)))), known, span, labels)


def compared(
    found: list[Fetched], known: Known, window: tuple[Uid, Uid], labels: Labels
) -> Delta:
    """What changed, when this is all that the server has there."""
    first, last = window
    listed = {m.uid: m.flags or frozenset() for m in found}
    present = known.window(first, last)
    return Delta(
        changed=_differing(listed, present, labels.changed(found)),
        expunged=tuple(uid for uid in present if uid not in listed),
        unknown=UidSet.of(uid for uid in listed if uid not in present and first <= uid <= last),
    )


def _differing(
    listed: dict[Uid, Flags],
    present: dict[Uid, Flags],
    relabelled: dict[Uid, frozenset[str]],
) -> tuple[FlagsChange, ...]:
    return tuple(
        FlagsChange(uid, flags, relabelled.get(uid))
        for uid, flags in listed.items()
        if uid in present and (present[uid] != flags or uid in relabelled)
    )


def of_changed(
    messages: Iterable[Fetched], known: Known, last: Uid, labels: Labels
) -> Iterator[Delta]:
    """Sort what the server says has changed into what the archive has and what it lacks."""
    below = iter(m for m in messages if m.uid <= last)
    while some := sorted(islice(below, WINDOW), key=lambda m: m.uid):
        listed = {m.uid: m.flags or frozenset() for m in some}
        present = _present(known, list(listed))
        yield Delta(
            changed=_differing(listed, present, labels.changed(some)),
            unknown=UidSet.of(uid for uid in listed if uid not in present),
        )


def _present(known: Known, uids: list[Uid]) -> dict[Uid, Flags]:
    """The archive's flags of these ascending UIDs, which may lie far apart."""
    present: dict[Uid, Flags] = {}
    while uids:
        span = [uid for uid in uids if uid < uids[0] + WINDOW]
        present |= known.window(span[0], span[-1])
        uids = uids[len(span) :]
    return present


def of_vanished(vanished: UidSet, known: Known, last: Uid) -> Iterator[Delta]:
    """Intersect VANISHED, which may name any UIDs, with what the archive has."""
    for uids in windows(known, last):
        gone = tuple(uid for uid in uids if uid in vanished)
        if gone:
            yield Delta(expunged=gone)


def by_listing(client: ImapClient, known: Known, last: Uid) -> Iterator[Delta]:
    """Compare which UIDs exist, without their flags."""
    listed = client.search_uids(Uid(1), last)
    present = UidSet.of(())
    for uids in windows(known, last):
        some = UidSet.of(uids)
        present |= some
        gone = some - listed
        if gone:
            yield Delta(expunged=tuple(map(Uid, gone)))
    unknown = listed - present
    if unknown:
        yield Delta(unknown=unknown)
