"""Changes on their way into the archive: a batch being prepared, and a group to commit."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from mailvault.archive.instants import is_plain, to_seconds, to_zone, with_zone
from mailvault.archive.readying import Outcome, Ready
from mailvault.mail.changes import MailboxChanged, MailboxGone, Owed, Placed, Record, Reflagged
from mailvault.mail.model import (
    Arrival,
    Batch,
    Digest,
    Flags,
    Octets,
    StreamedOctets,
    Uid,
    octet_count,
)
from mailvault.ports import Prepared

GROUP_OCTETS = 12 << 20
GROUP_MESSAGES = 1000
GROUP_CHANGES = 5000
REASON_LIMIT = 500
_HELD = 1 << 20  # a message above this lies on disk
_LEAST = 16 << 10

Prepare: TypeAlias = Callable[[Sequence[Octets]], "Future[list[Outcome]]"]


@dataclass(frozen=True, slots=True)
class Arriving:
    """A message on its way, without its octets: those belong to who prepares them."""

    uid: Uid
    flags: Flags
    internal_date: datetime | None
    uidl: str | None
    email_id: str | None
    labels: frozenset[str] | None

    @classmethod
    def of(cls, arrival: Arrival) -> "Arriving":
        return cls(
            arrival.uid,
            arrival.flags,
            arrival.internal_date,
            arrival.uidl,
            arrival.email_id,
            arrival.labels,
        )

    def placed(self, prepared: Prepared) -> Placed:
        return Placed(
            self.uid,
            prepared.digest,
            prepared.size,
            self.flags,
            storable_date(self.internal_date),
            self.uidl,
            self.email_id,
            self.labels,
        )


@dataclass(slots=True)
class Draft:
    """A record, complete once its messages are prepared."""

    record: Record
    arriving: tuple[Arriving, ...] = ()
    messages: Sequence[Octets] = ()
    streamed: tuple[StreamedOctets, ...] = ()
    octets: int = 0
    _outcomes: "Future[list[Outcome]] | None" = None

    def start(self, prepare: Prepare) -> None:
        """Have the messages prepared, and keep no octets: who prepares lets go of them."""
        if self._outcomes is None and self.arriving:
            self._outcomes = prepare(self.messages)
            self.messages = ()

    @property
    def is_ready(self) -> bool:
        return not self.arriving or (self._outcomes is not None and self._outcomes.done())

    @property
    def mailbox_id(self) -> int | None:
        record = self.record
        return record.mailbox_id if isinstance(record, MailboxChanged | MailboxGone) else None

    def complete(self) -> tuple[Record, list[Ready]]:
        """Wait for the messages. Raises what concerns the archive and not one message."""
        if self._outcomes is None:
            assert not self.arriving, "a draft is completed before it was started"
            return self.record, []
        assert isinstance(self.record, MailboxChanged)
        placed, owed, ready = [], [], []
        for each, outcome in zip(self.arriving, self._outcomes.result(), strict=True):
            if isinstance(outcome, Ready):
                placed.append(each.placed(outcome.prepared))
                ready.append(outcome)
            else:
                owed.append(Owed(each.uid, outcome.reason[:REASON_LIMIT]))
        record = replace(
            self.record,
            placed=(*placed, *self.record.placed),
            owed=(*self.record.owed, *owed),
        )
        return record, ready


@dataclass(slots=True)
class Group:
    """What one commit will make durable."""

    records: list[Record] = field(default_factory=list)
    messages: list[Ready] = field(default_factory=list)
    streamed: list[StreamedOctets] = field(default_factory=list)
    mailbox_ids: set[int] = field(default_factory=set)
    octets: int = 0
    changes: int = 0

    @property
    def is_full(self) -> bool:
        return (
            self.octets >= GROUP_OCTETS
            or len(self.messages) >= GROUP_MESSAGES
            or self.changes >= GROUP_CHANGES
        )

    def take(self, draft: Draft) -> None:
        record, messages = draft.complete()
        joined = _joined(self.records[-1], record) if self.records else None
        if joined is not None:
            self.records[-1] = joined
        else:
            self.records.append(record)
        self.messages += messages
        self.changes += _changes(record)
        self.streamed += draft.streamed
        self.octets += draft.octets
        if draft.mailbox_id is not None:
            self.mailbox_ids.add(draft.mailbox_id)

    def discard_streamed(self) -> None:
        for each in self.streamed:
            each.discard()


def draft_batch(mailbox_id: int, batch: Batch, sizes: Mapping[Digest, int]) -> Draft:
    """What a batch will be in the journal. ``sizes`` are those of the recognised messages."""
    return Draft(
        record=MailboxChanged(
            mailbox_id=mailbox_id,
            uidvalidity=batch.uidvalidity,
            cursor=batch.cursor,
            placed=_recognised(batch, sizes),
            reflagged=tuple(
                Reflagged(each.uid, each.flags, each.labels) for each in batch.flags_changed
            ),
            expunged=batch.expunged,
            owed=tuple(Owed(each.uid, each.reason[:REASON_LIMIT]) for each in batch.unreadable),
            is_complete=batch.is_complete,
            removed=batch.removed,
        ),
        arriving=tuple(Arriving.of(each) for each in batch.arrived),
        messages=[each.octets for each in batch.arrived],
        streamed=tuple(
            each.octets for each in batch.arrived if not isinstance(each.octets, bytes)
        ),
        octets=sum(_held(each.octets) for each in batch.arrived),
    )


def storable_date(instant: datetime | None) -> datetime | None:
    """An INTERNALDATE as the catalog can give it back: whole seconds, in its zone.

    A date at the very end of the calendar that has no UTC is no date.
    """
    if instant is None or is_plain(instant):
        return instant
    try:
        return with_zone(to_seconds(instant), to_zone(instant))
    except OverflowError:
        return None


def _changes(record: Record) -> int:
    if not isinstance(record, MailboxChanged):
        return 1
    lists = (record.placed, record.reflagged, record.expunged, record.owed)
    return sum(len(each) for each in lists)


def _joined(first: Record, second: Record) -> Record | None:
    """Two batches that only brought messages, as one: what depends on order stays apart."""
    if not (isinstance(first, MailboxChanged) and isinstance(second, MailboxChanged)):
        return None
    is_same = (first.mailbox_id, first.uidvalidity) == (second.mailbox_id, second.uidvalidity)
    is_plain = not (first.reflagged or first.expunged or first.owed or first.is_complete)
    if not (is_same and is_plain) or second.reflagged or second.expunged:
        return None
    cursor = first.cursor if second.cursor is None else second.cursor
    return replace(second, cursor=cursor, placed=first.placed + second.placed)


def _recognised(batch: Batch, sizes: Mapping[Digest, int]) -> tuple[Placed, ...]:
    return tuple(
        Placed(
            uid=each.uid,
            digest=each.digest,
            size=sizes[each.digest],
            flags=each.flags,
            internal_date=storable_date(each.internal_date),
            uidl=each.uidl,
            email_id=each.email_id,
            labels=each.labels,
        )
        for each in (*batch.recognised, *batch.renamed)
    )


def _held(octets: Octets) -> int:
    """What a message counts for on its way; small ones too, for a kill loses all of them."""
    size = min(octet_count(octets), _HELD) if not isinstance(octets, bytes) else len(octets)
    return max(size, _LEAST)
