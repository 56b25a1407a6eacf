"""The words of the trade: message, mailbox, placement, batch.

Names follow RFC 9051 (IMAP4rev2). This module performs no I/O and imports nothing but the
standard library.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NewType, Protocol, TypeAlias

Flag = NewType("Flag", str)
"""A system flag such as ``\\Seen`` or a keyword such as ``$Forwarded``."""

Flags = frozenset[Flag]

SEEN = Flag("\\Seen")
ANSWERED = Flag("\\Answered")
FLAGGED = Flag("\\Flagged")
DELETED = Flag("\\Deleted")
DRAFT = Flag("\\Draft")
RECENT = Flag("\\Recent")  # per session, never archived: RFC 3501 2.3.2

Uid = NewType("Uid", int)
"""A message's number in one mailbox and UIDVALIDITY (RFC 9051 2.3.1.1).

Sources without UIDs (POP3, files) number messages in order of arrival and keep the
server's own id, a UIDL for instance, in ``uidl``.
"""

Cursor = NewType("Cursor", str)
"""Where a source resumes in a mailbox. Only the source that wrote it may look inside."""

RunNumber = NewType("RunNumber", int)
"""One invocation of sync: the unit of history. Counts from 1 in each archive."""


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """The SHA-256 of a message's octets: its identity in the archive."""

    value: bytes

    @classmethod
    def of(cls, octets: bytes) -> "Digest":
        return cls(hashlib.sha256(octets).digest())

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """Read 64 hexadecimal digits. Raises ValueError for anything else."""
        value = bytes.fromhex(text)
        if len(value) != hashlib.sha256().digest_size:
            raise ValueError(f"not a SHA-256 digest: {text!r}")
        return cls(value)

    def __str__(self) -> str:
        return self.value.hex()

    def __hash__(self) -> int:
        return hash(self.value)  # dataclass would make a tuple each time, and this is a key


@dataclass(frozen=True, slots=True, order=True)
class MailboxName:
    """A mailbox path without a delimiter, so it means the same on every server."""

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, name: str, delimiter: str | None) -> "MailboxName":
        parts = name.split(delimiter) if delimiter else [name]
        if parts[0].upper() == "INBOX":  # INBOX alone is case-insensitive: RFC 9051 5.1
            parts[0] = "INBOX"
        return cls(tuple(parts))

    def __str__(self) -> str:
        return "/".join(self.parts)


INBOX = MailboxName(("INBOX",))


class StreamedOctets(Protocol):
    """The octets of a message too big for memory; they lie in a temporary file."""

    @property
    def size(self) -> int: ...

    def chunks(self) -> Iterator[bytes]:
        """Yield the octets from the start, in pieces of at most 1 MiB."""
        ...

    def discard(self) -> None:
        """Remove the temporary file. Idempotent."""
        ...


Octets: TypeAlias = bytes | StreamedOctets
"""The exact octets of a message, as the server gave them. Never text."""


@dataclass(frozen=True, slots=True)
class MailboxState:
    """What STATUS says of a mailbox (RFC 9051 6.3.11); None where the server does not say."""

    uidvalidity: int | None = None
    uidnext: int | None = None
    messages: int | None = None
    highestmodseq: int | None = None
    mailbox_id: str | None = None  # RFC 8474


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox as its source lists it."""

    name: MailboxName
    special_use: str | None = None  # RFC 6154, such as "\\Sent"
    is_subscribed: bool | None = None
    attributes: frozenset[str] = frozenset()
    is_selectable: bool = True
    state: MailboxState = MailboxState()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that the archive has not yet seen in this mailbox."""

    uid: Uid
    octets: Octets
    flags: Flags
    internal_date: datetime | None
    uidl: str | None = None
    email_id: str | None = None
    """What the server calls the message in every mailbox: RFC 8474, or Gmail's own id."""
    labels: frozenset[str] | None = None
    """Gmail's labels; None where there are no such."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """A new placement of a message whose octets the archive is known to hold already."""

    uid: Uid
    digest: Digest
    flags: Flags
    internal_date: datetime | None
    uidl: str | None = None
    email_id: str | None = None
    labels: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class FlagsChange:
    """A message whose flags, or labels, may differ from the ones last archived."""

    uid: Uid
    flags: Flags
    labels: frozenset[str] | None = None
    """Gmail's labels where they differ; None where nothing is said of them."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message the server lists but would not give: a debt until it does."""

    uid: Uid
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some changes to a mailbox, and the cursor that holds once they are stored.

    ``is_complete`` says that the mailbox was walked to its end: placements under any other
    UIDVALIDITY are then history. A cursor of None leaves the stored one as it is.
    """

    uidvalidity: int
    cursor: Cursor | None = None
    arrived: tuple[Arrival, ...] = ()
    recognised: tuple[Recognition, ...] = ()
    flags_changed: tuple[FlagsChange, ...] = ()
    expunged: tuple[Uid, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    is_complete: bool = False
    renamed: tuple[Recognition, ...] = ()
    """Present messages that the server now knows by another ``uidl``."""
    removed: tuple[Uid, ...] = ()
    """Those of ``expunged`` that are gone because we asked for it: no loss."""
    suspicion: str | None = None
    """Why the server looks as if it had become another: somebody should see that."""
    stored: Callable[[], None] | None = None
    """Called once everything up to this batch is durable, if the source waits for that."""

    @property
    def octets(self) -> int:
        """The sum of the sizes of the messages that arrived."""
        return sum(octet_count(arrival.octets) for arrival in self.arrived)


def octet_count(octets: Octets) -> int:
    return len(octets) if isinstance(octets, bytes) else octets.size


def digest_of(octets: Octets) -> Digest:
    if isinstance(octets, bytes):
        return Digest.of(octets)
    hasher = hashlib.sha256()
    for chunk in octets.chunks():
        hasher.update(chunk)
    return Digest(hasher.digest())
