"""One pass over the files of a mailbox: what is in them against what the archive holds.

A message is known by its octets: the third copy of them in the files is the third one that
the archive has in this mailbox. So an import can be repeated, also when files have grown,
were compacted or renamed, and what is no longer in them says nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mailvault.errors import SourceError
from mailvault.mail.model import (
    Arrival,
    Batch,
    Digest,
    FlagsChange,
    Uid,
    Unreadable,
    octet_count,
)
from mailvault.ports import Known, Lying
from mailvault.sources.file_cursor import FileCursor
from mailvault.sources.message_octets import (
    Found,
    FoundMessage,
    Portion,
    UnreadMessage,
    discard,
)

UIDVALIDITY = 1
"""Files know none: the numbers are the archive's own and are never given twice."""

BATCH_OCTETS = 2 << 20
BATCH_MESSAGES = 200

LISTED = 1000
"""Messages of a mailbox that are named when they cannot be read; the others are counted."""


@dataclass(frozen=True, slots=True)
class ImportedFiles:
    """The files of a mailbox. ``root`` is what the paths of all of them begin with."""

    portions: Sequence[Portion]
    root: str
    spool_folder: Path


@dataclass(slots=True)
class _News:
    """What is gathered for a batch."""

    arrived: list[Arrival] = field(default_factory=list)
    flags_changed: list[FlagsChange] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    expunged: list[Uid] = field(default_factory=list)


class FilePass:
    """Yields batches; the last one is complete, unless something could not be read."""

    def __init__(self, files: ImportedFiles, cursor: FileCursor, known: Known) -> None:
        self._files = files
        self._known = known
        self._owed = dict(cursor.owed)
        highest = max(known.highest(), *known.owed(), 0)
        self._next = self._first = max(cursor.next, highest + 1)
        self._has_before = known.count() > 0
        self._claimed = _Numbers()
        self._seen: set[str] = set()  # keys of debts that were met again
        self._failures: list[SourceError] = []
        self.total = 0
        self.unreadable: list[UnreadMessage] = []
        self.more = 0

    def run(self) -> Iterator[Batch]:
        """Raises SourceError at the end, when all that can be read was yielded."""
        waiting: list[Found] = []
        octets = 0
        for found in self._found():
            waiting.append(found)
            if isinstance(found, FoundMessage):
                octets += octet_count(found.octets)  # on disk, too: it need not hold many
            if octets >= BATCH_OCTETS or len(waiting) >= BATCH_MESSAGES:
                yield from self._settled(waiting)
                waiting, octets = [], 0
        yield from self._settled(waiting)
        settled = () if self._failures else tuple(self._no_longer_owed())
        yield Batch(
            UIDVALIDITY,
            self._cursor().format(),
            expunged=settled,
            is_complete=not self._failures,
        )
        if self._failures:
            raise _together(self._failures)

    def _found(self) -> Iterator[Found]:
        for portion in self._files.portions:
            try:
                for found in portion.messages(self._files.spool_folder):
                    self.total += 1
                    yield found
            except SourceError as error:
                self._failures.append(error)

    def _settled(self, waiting: Sequence[Found]) -> Iterator[Batch]:
        """What of these is news; a batch, or nothing."""
        held = self._held(waiting)
        news = _News()
        for found in waiting:
            if isinstance(found, UnreadMessage):
                self._owe(found, news)
            else:
                self._place(found, held.get(found.digest, ()), news)
        if news != _News():
            yield Batch(
                UIDVALIDITY,
                self._cursor().format() if news.unreadable or news.expunged else None,
                arrived=tuple(news.arrived),
                flags_changed=tuple(news.flags_changed),
                unreadable=tuple(news.unreadable),
                expunged=tuple(news.expunged),
            )

    def _held(self, waiting: Sequence[Found]) -> dict[Digest, list[Lying]]:
        if not self._has_before:
            return {}
        return self._known.holding(
            list({each.digest for each in waiting if isinstance(each, FoundMessage)})
        )

    def _place(self, found: FoundMessage, held: Sequence[Lying], news: _News) -> None:
        owed = self._owed.pop(found.key, None) if found.key is not None else None
        known = next((each for each in held if self._is_free(each.uid)), None)
        if known is None:
            news.arrived.append(self._arrival(found, owed))
            return
        self._claimed.add(known.uid)
        discard(found.octets)
        if found.flags is not None and found.flags != known.flags:
            news.flags_changed.append(FlagsChange(known.uid, found.flags))
        if owed is not None:
            news.expunged.append(owed)

    def _is_free(self, uid: Uid) -> bool:
        """Whether it was there before this pass, and no other message of it is that one."""
        return uid < self._first and uid not in self._claimed

    def _arrival(self, found: FoundMessage, owed: Uid | None) -> Arrival:
        if owed is not None:
            self._claimed.add(owed)
        return Arrival(
            self._new() if owed is None else owed,
            found.octets,
            found.flags or frozenset(),
            found.internal_date,
            labels=found.labels,
        )

    def _owe(self, unread: UnreadMessage, news: _News) -> None:
        uid = self._owed.get(unread.key)
        if uid is None:
            uid = self._owed[unread.key] = self._new()
        self._seen.add(unread.key)
        if len(self.unreadable) < LISTED:
            self.unreadable.append(unread)
        else:
            self.more += 1
        news.unreadable.append(Unreadable(uid, unread.reason))

    def _no_longer_owed(self) -> Iterator[Uid]:
        """Debts whose files were imported from here and are no more."""
        for key in [key for key in self._owed if key not in self._seen]:
            if f"{key}/".startswith(f"{self._files.root}/"):
                yield self._owed.pop(key)

    def _new(self) -> Uid:
        uid = Uid(self._next)
        self._next += 1
        return uid

    def _cursor(self) -> FileCursor:
        return FileCursor(self._next, self._owed)


class _Numbers:
    """A set of UIDs, as bits: a mailbox may hold millions."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, uid: Uid) -> None:
        if uid // 8 >= len(self._bits):
            self._bits.extend(bytes(uid // 8 + 1 - len(self._bits)))
        self._bits[uid // 8] |= 1 << uid % 8

    def __contains__(self, uid: Uid) -> bool:
        return uid // 8 < len(self._bits) and bool(self._bits[uid // 8] >> uid % 8 & 1)


def _together(failures: Sequence[SourceError]) -> SourceError:
    if len(failures) == 1:
        return failures[0]
    return SourceError(
        "; ".join(str(failure) for failure in failures[:3])
        + (f"; and {len(failures) - 3} more" if len(failures) > 3 else ""),
        hint=failures[0].hint,
    )


def drop(batch: Batch) -> int:
    """Forget a batch that nobody stores; give how many messages arrived in it."""
    for arrival in batch.arrived:
        discard(arrival.octets)
    return len(batch.arrived)
