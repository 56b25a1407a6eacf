"""Changes on their way into the archive: a batch being prepared, and a group to commit."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from mailvault.archive.instants import to_seconds, to_zone, with_zone
from mailvault.errors import MailvaultError
from mailvault.mail.changes import MailboxChanged, MailboxGone, Owed, Placed, Record, Reflagged
from mailvault.mail.model import Arrival, Batch, Digest, Octets, StreamedOctets, octet_count
from mailvault.ports import Prepared

log = logging.getLogger(__name__)

GROUP_OCTETS = 8 << 20
GROUP_MESSAGES = 1000
GROUP_CHANGES = 5000
REASON_LIMIT = 500
_HELD = 1 << 20  # a message above this lies on disk
_LEAST = 16 << 10

Prepare: TypeAlias = Callable[[Octets], "Future[Prepared]"]


@dataclass(frozen=True, slots=True)
class Arriving:
    """A message that is being prepared; its octets belong to the preparing thread."""

    arrival: Arrival
    prepared: "Future[Prepared]"

    def wait(self) -> Prepared | Owed:
        """A message that our own code chokes on is owed: it must not stop the others."""
        try:
            return self.prepared.result()
        except (MailvaultError, OSError):
            raise
        except Exception as error:
            log.exception("UID %d could not be prepared", self.arrival.uid)
            return Owed(self.arrival.uid, f"mailvault could not store it: {error!r}")

    def placed(self, prepared: Prepared) -> Placed:
        arrival = self.arrival
        return Placed(
            uid=arrival.uid,
            digest=prepared.digest,
            size=prepared.size,
            flags=arrival.flags,
            internal_date=storable_date(arrival.internal_date),
            uidl=arrival.uidl,
            email_id=arrival.email_id,
            labels=arrival.labels,
        )


@dataclass(slots=True)
class Draft:
    """A record, complete once its messages are prepared."""

    record: Record
    arriving: list[Arriving] = field(default_factory=list)
    streamed: list[StreamedOctets] = field(default_factory=list)
    octets: int = 0

    @property
    def is_ready(self) -> bool:
        return all(each.prepared.done() for each in self.arriving)

    @property
    def mailbox_id(self) -> int | None:
        record = self.record
        return record.mailbox_id if isinstance(record, MailboxChanged | MailboxGone) else None

    def complete(self) -> tuple[Record, list[Prepared]]:
        """Wait for the messages. Raises what concerns the archive and not one message."""
        if not self.arriving:
            return self.record, []
        assert isinstance(self.record, MailboxChanged)
        results = [(each, each.wait()) for each in self.arriving]
        stored = [(each, result) for each, result in results if not isinstance(result, Owed)]
        record = replace(
            self.record,
            placed=tuple(each.placed(result) for each, result in stored) + self.record.placed,
            owed=self.record.owed + tuple(r for _, r in results if isinstance(r, Owed)),
        )
        return record, [result for _, result in stored]


@dataclass(slots=True)
class Group:
    """What one commit will make durable."""

    records: list[Record] = field(default_factory=list)
    prepared: list[Prepared] = field(default_factory=list)
    streamed: list[StreamedOctets] = field(default_factory=list)
    mailbox_ids: set[int] = field(default_factory=set)
    octets: int = 0
    changes: int = 0

    @property
    def is_full(self) -> bool:
        return (
            self.octets >= GROUP_OCTETS
            or len(self.prepared) >= GROUP_MESSAGES
            or self.changes >= GROUP_CHANGES
        )

    def take(self, draft: Draft) -> None:
        record, prepared = draft.complete()
        joined = _joined(self.records[-1], record) if self.records else None
        if joined is not None:
            self.records[-1] = joined
        else:
            self.records.append(record)
        self.prepared += prepared
        self.changes += _changes(record)
        self.streamed += draft.streamed
        self.octets += draft.octets
        if draft.mailbox_id is not None:
            self.mailbox_ids.add(draft.mailbox_id)

    def discard_streamed(self) -> None:
        for each in self.streamed:
            each.discard()


def draft_batch(
    mailbox_id: int, batch: Batch, sizes: Mapping[Digest, int], prepare: Prepare
) -> Draft:
    """Start preparing what arrived. Keeps no octets: a thread lets go of them when done.

    ``sizes`` are those of the messages that were recognised.
    """
    return Draft(
        record=MailboxChanged(
            mailbox_id=mailbox_id,
            uidvalidity=batch.uidvalidity,
            cursor=batch.cursor,
            placed=_recognised(batch, sizes),
            reflagged=tuple(Reflagged(each.uid, each.flags) for each in batch.flags_changed),
            expunged=batch.expunged,
            owed=tuple(Owed(each.uid, each.reason[:REASON_LIMIT]) for each in batch.unreadable),
            is_complete=batch.is_complete,
        ),
        arriving=[
            Arriving(replace(each, octets=b""), prepare(each.octets)) for each in batch.arrived
        ],
        streamed=[each.octets for each in batch.arrived if not isinstance(each.octets, bytes)],
        octets=sum(_held(each.octets) for each in batch.arrived),
    )


def storable_date(instant: datetime | None) -> datetime | None:
    """An INTERNALDATE as the catalog can give it back: whole seconds, in its zone.

    A date at the very end of the calendar that has no UTC is no date.
    """
    if instant is None:
        return None
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
