"""mbox files to import: which octets of them are a message, and what else they say of it.

From what lies between two ``From `` lines goes the empty line at its end; from every line
``>+From `` goes one ``>`` (mboxrd; mboxo is read the same way), unless the Content-Length
showed that nothing was quoted; the fields of `mail.store_fields` go and become flags and
labels; and LF becomes CRLF, unless the message begins with a line that ends in CRLF.
"""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mailvault.errors import SourceError
from mailvault.mail import gmail_export
from mailvault.mail.mbox import unquoted
from mailvault.mail.model import MailboxName
from mailvault.mail.store_fields import NOTHING, Marks, take_leading_marks, take_marks
from mailvault.sources.mbox_reader import MboxMessage, MboxReader
from mailvault.sources.message_octets import (
    AS_FOUND,
    FoundMessage,
    Manner,
    arrival_date,
    as_on_the_wire,
    discard,
    gather,
    joined,
    with_head,
)
from mailvault.sources.opened_file import OpenedFile, Section

OpenMbox = Callable[[], OpenedFile]

_NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)
"""What writers put into a line that must have a date when they know none."""


@dataclass(frozen=True, slots=True)
class MboxDialect:
    """``has_status``: an export that put the flags before each message."""

    manner: Manner = AS_FOUND
    has_status: bool = False

    def marks(self, head: bytes, message: MboxMessage) -> tuple[bytes, Marks]:
        if not self.manner.is_ours:
            return take_marks(head, has_length=message.has_length)
        return take_leading_marks(head) if self.has_status else (head, NOTHING)

    def read(self, message: MboxMessage, spool_folder: Path) -> FoundMessage:
        """Take one message out of its mbox. Raises SourceError."""
        chunks = message.chunks if message.has_length else unquoted(message.chunks)
        head, rest = with_head(chunks)
        head, marks = self.marks(head, message)
        line_ends = self.manner.line_ends(as_on_the_wire)
        octets, digest = gather(line_ends(head, joined(head, rest)), spool_folder)
        flags = marks.flags
        if flags is None and marks.labels is not None:
            flags = gmail_export.flags(marks.labels)
        labels = None if marks.labels is None else frozenset(marks.labels)
        return FoundMessage(octets, digest, self._date(head, message), flags, labels)

    def _date(self, head: bytes, message: MboxMessage) -> datetime | None:
        date = message.from_line.date if message.from_line else None
        if date == _NO_DATE:
            date = None
        return date if date or self.manner.is_ours else arrival_date(head)


class MboxPortion:
    """A whole mbox file that is one mailbox."""

    kind = "mbox"

    def __init__(self, open_mbox: OpenMbox, where: str, dialect: MboxDialect) -> None:
        self._open = open_mbox
        self._dialect = dialect
        self.where = where

    def count(self) -> None:
        """Not known before the file has been read."""
        return

    def messages(self, spool_folder: Path) -> Iterator[FoundMessage]:
        with self._open() as file:
            reader = MboxReader(file, exactly=self._dialect.manner.is_ours)
            messages = (
                self._dialect.read(message, spool_folder) for message in reader.messages()
            )
            yield from _all_but_half_ones(messages, file, self.where)

    def index(self) -> "LabelIndex":
        """Read the whole file for the labels of its messages."""
        with self._open() as file:
            return LabelIndex.read(file)

    def selected(
        self, spans: Iterator[tuple[int, int | None]], spool_folder: Path
    ) -> Iterator[FoundMessage]:
        """The messages at these places of the file."""
        with self._open() as file:
            messages = (
                self._dialect.read(message, spool_folder)
                for offset, length in spans
                for message in MboxReader(_section(file, offset, length)).messages()
            )
            yield from _all_but_half_ones(messages, file, self.where)


def _section(file: OpenedFile, offset: int, length: int | None) -> OpenedFile:
    if length is not None:
        return Section(file, offset, length, file.modified)
    file.seek(offset)
    return file


def _all_but_half_ones(
    messages: Iterator[FoundMessage], file: OpenedFile, where: str
) -> Iterator[FoundMessage]:
    """Leave out the last message of a file that somebody is writing to."""
    last: FoundMessage | None = None
    try:
        for message in messages:
            if last is not None:
                yield last
            last = message
    except SourceError:
        if last is not None:
            yield last
        raise
    if file.is_unchanged():
        if last is not None:
            yield last
        return
    if last is not None:
        discard(last.octets)
    raise SourceError(
        f"{where} changed while it was read; its last message is left out",
        hint="import it again when nobody writes to it",
    )


@dataclass(slots=True)
class LabelIndex:
    """Where in a Takeout each message lies, and which labels it has: some octets each."""

    offsets: "array[int]" = field(default_factory=lambda: array("Q"))
    labels: "array[int]" = field(default_factory=lambda: array("L"))
    sets: dict[tuple[str, ...], int] = field(default_factory=dict)
    damage: str | None = None
    """Why there is more in the file than can be read."""

    @classmethod
    def read(cls, file: OpenedFile) -> "LabelIndex":
        """Read the whole file, as far as it can be."""
        index = cls()
        try:
            for message in MboxReader(file).messages():
                index.add(message)
        except SourceError as error:
            index.damage = str(error)
        return index

    def add(self, message: MboxMessage) -> None:
        head, _ = with_head(message.chunks)
        _, marks = take_marks(head)
        self.labels.append(self.sets.setdefault(marks.labels or (), len(self.sets)))
        self.offsets.append(message.offset)

    def common(self) -> set[str]:
        """The labels that every message has."""
        sets = [set(labels) for labels in self.sets]
        return set.intersection(*sets) if sets else set()

    def mailboxes(self) -> dict[MailboxName, int]:
        """Each mailbox with its number of messages."""
        by_set = [gmail_export.mailboxes(labels) for labels in self.sets]
        counts: dict[MailboxName, int] = {}
        for number in self.labels:
            for name in by_set[number]:
                counts[name] = counts.get(name, 0) + 1
        return counts


class LabelledPortion:
    """The messages of a Takeout that have one label."""

    kind = "mbox (Takeout)"

    def __init__(
        self, source: MboxPortion, index: LabelIndex, name: MailboxName, count: int
    ) -> None:
        self._source = source
        self._index = index
        self._name = name
        self._count = count
        self.where = source.where

    def count(self) -> int:
        return self._count

    def messages(self, spool_folder: Path) -> Iterator[FoundMessage]:
        return self._source.selected(self._spans(), spool_folder)

    def _spans(self) -> Iterator[tuple[int, int | None]]:
        """Where the messages begin and how long they are, the last one up to the end."""
        index = self._index
        holds = [self._name in gmail_export.mailboxes(labels) for labels in index.sets]
        for number, offset in enumerate(index.offsets):
            if holds[index.labels[number]]:
                is_last = number + 1 == len(index.offsets)
                yield offset, None if is_last else index.offsets[number + 1] - offset
