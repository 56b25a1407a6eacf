"""Messages on their way from files: in memory when small, else in a temporary file."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias

from mailvault.mail.dates import parse_date
from mailvault.mail.envelope import parse_envelope
from mailvault.mail.headers import HEADER_LIMIT, clean, field_finder, unfold
from mailvault.mail.line_ends import has_local_ends, with_crlf
from mailvault.mail.model import Digest, Flags, Octets
from mailvault.sources.opened_file import CHUNK, OpenedFile
from mailvault.transport.spool import SpoolFile

LARGE = 1 << 20
"""Octets from which on a message goes through a temporary file."""

_received = field_finder("received")


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message in a file. ``flags`` are None where the file says nothing about flags."""

    octets: Octets
    digest: Digest
    internal_date: datetime | None
    flags: Flags | None = None
    labels: frozenset[str] | None = None
    key: str | None = None
    """What names it among the debts, where it may be unreadable."""


@dataclass(frozen=True, slots=True)
class UnreadMessage:
    """A message that is there and cannot be read. The reason names its file."""

    key: str
    reason: str


Found: TypeAlias = FoundMessage | UnreadMessage


class Portion(Protocol):
    """Mail of one mailbox that lies together: a Maildir, an mbox, a folder of files."""

    @property
    def where(self) -> str:
        """The path below the one that is imported."""
        ...

    @property
    def kind(self) -> str:
        """What it is, in a word or two."""
        ...

    def count(self) -> int | None:
        """How many messages, if that is cheap to say."""
        ...

    def messages(self, spool_folder: Path) -> Iterator[Found]:
        """All of them, in an order that does not change from one import to the next.

        Raises:
            SourceError: the rest cannot be read; what was yielded is sound.
        """
        ...


def gather(chunks: Iterable[bytes], spool_folder: Path) -> tuple[Octets, Digest]:
    """Take in a message of any size in bounded memory."""
    sha256 = hashlib.sha256()
    pieces: list[bytes] = []
    size = 0
    spool: SpoolFile | None = None
    try:
        for chunk in chunks:
            sha256.update(chunk)
            size += len(chunk)
            if spool is None and size > LARGE:
                spool = SpoolFile(spool_folder)
                for piece in pieces:
                    spool.write(piece)
                pieces = []
            if spool is None:
                pieces.append(chunk)
            else:
                spool.write(chunk)
    except BaseException:
        if spool is not None:
            spool.abort()
        raise
    digest = Digest(sha256.digest())
    return (b"".join(pieces) if spool is None else spool.finish()), digest


def chunks_of(file: OpenedFile) -> Iterator[bytes]:
    """A file from where it stands to its end."""
    while chunk := file.read(CHUNK):
        yield chunk


def with_head(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The start of a message, with its header if that is of any normal length, and the rest."""
    head = b""
    for chunk in chunks:
        head += chunk
        blank = max(head.find(b"\n\n"), head.find(b"\n\r\n"))
        if blank >= 0 or head.startswith((b"\n", b"\r\n")) or len(head) >= HEADER_LIMIT:
            break
    return head, chunks


def joined(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


@dataclass(frozen=True, slots=True)
class Manner:
    """How messages are taken from files.

    ``is_ours``: an export of mailvault wrote them, so octets and times are those of the
    archive it came from. ``keeps_line_ends``: the user wants them as they are.
    """

    is_ours: bool = False
    keeps_line_ends: bool = False

    def line_ends(self, otherwise: "LineEnds") -> "LineEnds":
        return exact if self.is_ours or self.keeps_line_ends else otherwise


AS_FOUND = Manner()

LineEnds: TypeAlias = Callable[[bytes, Iterator[bytes]], Iterator[bytes]]
"""Which line ends a message gets that begins so."""


def exact(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:  # noqa: ARG001
    """As the file has them."""
    return chunks


def as_on_the_wire(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """CRLF, unless the message begins with CRLF: then it lies there as it was on the wire."""
    return with_crlf(chunks) if has_local_ends(head) else chunks


def as_served(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:  # noqa: ARG001
    """CRLF throughout, as an IMAP server gives the messages of its store."""
    return with_crlf(chunks)


def arrival_date(head: bytes) -> datetime | None:
    """When a message arrived, by its newest Received field, else by its Date."""
    for _, value in _received(head)[:1]:
        text = clean(unfold(value).decode("latin-1")).rpartition(";")[2]
        if (date := parse_date(text.strip())) is not None:
            return date
    return parse_envelope(head).date


def discard(octets: Octets) -> None:
    """Remove the temporary file of a message that nobody wants."""
    if not isinstance(octets, bytes):
        octets.discard()
