"""What a server says, as values, in the words of RFC 9051 and its extensions.

No parsing and no state: those live in `parser` and `connection`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeAlias

from mailvault.mail.model import Flags, MailboxName, MailboxState, StreamedOctets, Uid
from mailvault.protocols.imap.uidset import MAXIMUM, UidSet

MAX_NUMBER64 = (1 << 63) - 1  # RFC 9051 9, number64; also the most that SQLite can hold


def number_in(octets: bytes, maximum: int = MAX_NUMBER64) -> int | None:
    """Read digits; None for anything else, and for more than ``maximum``."""
    if not octets.isdigit() or len(octets) > 19:
        return None
    number = int(octets)
    return number if number <= maximum else None


class Condition(StrEnum):
    """How a server ends a command or greets (RFC 9051 7.1)."""

    OK = "OK"
    NO = "NO"
    BAD = "BAD"
    PREAUTH = "PREAUTH"
    BYE = "BYE"


@dataclass(frozen=True, slots=True)
class ResponseCode:
    """The bracketed part of a status response: ``[UIDNEXT 7]`` (RFC 9051 7.1)."""

    name: str  # upper case
    arguments: bytes = b""

    @property
    def number(self) -> int | None:
        """The argument of UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ, ...; None if it is not one."""
        is_uid = self.name in ("UIDVALIDITY", "UIDNEXT")
        return number_in(self.arguments, MAXIMUM if is_uid else MAX_NUMBER64)

    @property
    def words(self) -> tuple[str, ...]:
        """The arguments without parentheses, as CAPABILITY, MAILBOXID and others use them."""
        return tuple(self.arguments.decode("utf-8", "replace").strip("()").split())


@dataclass(frozen=True, slots=True)
class Greeting:
    """The first response of a connection: OK, PREAUTH or BYE (RFC 9051 7.1.4, 7.1.5)."""

    condition: Condition
    code: ResponseCode | None
    text: str


@dataclass(frozen=True, slots=True)
class Status:
    """An untagged OK, NO or BAD."""

    condition: Condition
    code: ResponseCode | None
    text: str


@dataclass(frozen=True, slots=True)
class Bye:
    """The server is about to close the connection."""

    code: ResponseCode | None
    text: str


@dataclass(frozen=True, slots=True)
class Tagged:
    """The completion of the command with this tag."""

    tag: str
    condition: Condition
    code: ResponseCode | None
    text: str

    @property
    def is_ok(self) -> bool:
        return self.condition is Condition.OK


@dataclass(frozen=True, slots=True)
class Continuation:
    """``+``: the server waits for more of an AUTHENTICATE, or IDLE has begun.

    ``text`` is as sent: base64 for AUTHENTICATE, a remark else.
    """

    text: bytes


@dataclass(frozen=True, slots=True)
class Capability:
    names: frozenset[str]  # upper case


@dataclass(frozen=True, slots=True)
class Enabled:
    names: frozenset[str]  # upper case


@dataclass(frozen=True, slots=True)
class Id:
    """What the server says of itself (RFC 2971); keys in lower case."""

    fields: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class NamespaceItem:
    prefix: bytes
    delimiter: str | None


@dataclass(frozen=True, slots=True)
class Namespace:
    """RFC 2342."""

    personal: tuple[NamespaceItem, ...]
    other_users: tuple[NamespaceItem, ...]
    shared: tuple[NamespaceItem, ...]


@dataclass(frozen=True, slots=True)
class Quota:
    """RFC 9208: what of each resource is used, and how much there is; STORAGE in KiB."""

    resources: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class ListItem:
    """A LIST or LSUB response. ``wire_name`` is the name to send back, octet for octet."""

    wire_name: bytes
    name: MailboxName
    delimiter: str | None
    attributes: frozenset[str]  # as spelled by the server, such as "\\HasNoChildren"
    is_lsub: bool = False
    old_wire_name: bytes | None = None  # RFC 5465 OLDNAME

    def has(self, attribute: str) -> bool:
        """Whether the attribute is present; attributes are case-insensitive."""
        return attribute.lower() in {present.lower() for present in self.attributes}


@dataclass(frozen=True, slots=True)
class StatusItem:
    """A STATUS response; what the server left out is None."""

    wire_name: bytes
    state: MailboxState
    size: int | None = None  # RFC 8438
    recent: int | None = None
    unseen: int | None = None
    deleted: int | None = None
    append_limit: int | None = None  # RFC 7889


@dataclass(frozen=True, slots=True)
class MailboxFlags:
    """The FLAGS response: the flags that may occur in the mailbox."""

    flags: Flags


@dataclass(frozen=True, slots=True)
class Exists:
    count: int


@dataclass(frozen=True, slots=True)
class Recent:
    count: int


@dataclass(frozen=True, slots=True)
class Expunge:
    sequence: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """RFC 7162 3.2.10. ``is_earlier``: gone before this session asked."""

    uids: UidSet
    is_earlier: bool


@dataclass(frozen=True, slots=True)
class Search:
    """A SEARCH response: an empty set is an answer, too. Unordered on the wire."""

    numbers: UidSet
    modseq: int | None = None


@dataclass(frozen=True, slots=True)
class ESearch:
    """RFC 4731. ``all`` is None when the server left it out, which means: none found."""

    tag: str | None
    is_uid: bool
    all: UidSet | None = None
    count: int | None = None
    min: int | None = None
    max: int | None = None
    modseq: int | None = None


@dataclass(frozen=True, slots=True)
class Oversized:
    """A literal above the limit for messages: its octets were read and thrown away."""

    size: int

    def discard(self) -> None:
        """As `StreamedOctets`, of which nothing is left here."""


Body: TypeAlias = bytes | StreamedOctets | Oversized


@dataclass(frozen=True, slots=True)
class Section:
    """``BODY[HEADER.FIELDS (MESSAGE-ID)]`` and its like; ``name`` is what the brackets hold."""

    name: str
    octets: Body | None


class Fetch(NamedTuple):
    """A FETCH response; what it did not hold is None. ``flags`` never has ``\\Recent``.

    ``body`` is None when BODY[] was absent or NIL; ``internal_date`` also when invalid.
    A tuple, because millions are made in one scan and a frozen dataclass takes five times
    as long to make.
    """

    sequence: int
    uid: Uid | None = None
    flags: Flags | None = None
    internal_date: datetime | None = None
    size: int | None = None
    modseq: int | None = None
    body: Body | None = None
    sections: tuple[Section, ...] = ()
    email_id: str | None = None  # RFC 8474
    thread_id: str | None = None
    gmail_message_id: str | None = None  # X-GM-MSGID
    gmail_labels: tuple[str, ...] | None = None  # X-GM-LABELS

    def octets(self) -> Iterator[Body]:
        """Everything that may be a file to discard."""
        for octets in (self.body, *(section.octets for section in self.sections)):
            if octets is not None:
                yield octets


@dataclass(frozen=True, slots=True)
class Unknown:
    """An untagged response that nobody here asks for."""

    name: str


Value: TypeAlias = (
    Greeting
    | Status
    | Bye
    | Tagged
    | Continuation
    | Capability
    | Enabled
    | Id
    | Namespace
    | Quota
    | ListItem
    | StatusItem
    | MailboxFlags
    | Exists
    | Recent
    | Expunge
    | Vanished
    | Search
    | ESearch
    | Fetch
    | Unknown
)


class Event(NamedTuple):
    """A value, and the tag of the command in flight that it answers; None: unasked for."""

    value: Value
    tag: str | None


class Sink(Protocol):
    """Takes a large literal as it comes."""

    def write(self, octets: bytes | memoryview) -> object: ...

    def finish(self) -> StreamedOctets: ...

    def abort(self) -> None: ...


OpenSink: TypeAlias = Callable[[int], Sink]
"""Called with the announced size of a literal too big for memory."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server may send before it is taken for broken or hostile."""

    line: int = 1 << 20
    number_line: int = 16 << 20  # SEARCH, ESEARCH, VANISHED: about two million numbers
    literal: int = 1 << 20  # kept in memory; a message above it goes to the sink
    message: int = 1 << 30  # a message above it is drained and reported as `Oversized`
    literals_in_response: int = 64
    untagged_in_command: int = 10_000_000
    mailboxes: int = 100_000
    depth: int = 100
