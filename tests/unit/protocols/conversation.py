"""Connections brought into a state, and ways to feed them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from mailvault.errors import ProtocolViolation
from mailvault.protocols.imap import commands
from mailvault.protocols.imap.commands import Command, FetchItem
from mailvault.protocols.imap.connection import Connection
from mailvault.protocols.imap.types import Event, Limits, OpenSink
from mailvault.protocols.imap.uidset import UidSet

ALL_UIDS = UidSet.parse(b"1:4294967295")
EVERYTHING = (
    FetchItem.FLAGS,
    FetchItem.INTERNALDATE,
    FetchItem.SIZE,
    FetchItem.BODY,
    FetchItem.MESSAGE_ID,
)
FETCH_ALL = commands.uid_fetch(ALL_UIDS, EVERYTHING)
LIST = commands.list_mailboxes()
NOOP = commands.noop()


@dataclass
class MemoryFile:
    """Streamed octets that only pretend to lie in a file."""

    octets: bytes
    is_discarded: bool = False

    @property
    def size(self) -> int:
        return len(self.octets)

    def chunks(self) -> Iterator[bytes]:
        yield self.octets

    def discard(self) -> None:
        self.is_discarded = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MemoryFile) and self.octets == other.octets


@dataclass
class MemorySink:
    """A sink that remembers how it ended."""

    announced: int
    octets: bytearray = field(default_factory=bytearray)
    is_aborted: bool = False
    file: MemoryFile | None = None

    def write(self, octets: bytes | memoryview) -> None:
        self.octets += octets

    def finish(self) -> MemoryFile:
        self.file = MemoryFile(bytes(self.octets))
        return self.file

    def abort(self) -> None:
        self.is_aborted = True


class Sinks:
    """Opens sinks and keeps account of them."""

    def __init__(self) -> None:
        self.opened: list[MemorySink] = []

    def __call__(self, size: int) -> MemorySink:
        sink = MemorySink(size)
        self.opened.append(sink)
        return sink

    def left_behind(self, events: Iterable[Event]) -> list[MemorySink]:
        """The sinks that neither ended nor reached anyone."""
        kept = [id(octets) for event in events for octets in octets_of(event)]
        return [
            sink
            for sink in self.opened
            if not sink.is_aborted
            and not (
                sink.file is not None and (sink.file.is_discarded or id(sink.file) in kept)
            )
        ]


def octets_of(event: Event) -> list[object]:
    octets = getattr(event.value, "octets", None)
    return list(octets()) if callable(octets) else []


def logged_in(limits: Limits = Limits(), sinks: OpenSink | None = None) -> Connection:  # noqa: B008
    connection = Connection(is_private=True, limits=limits, open_sink=sinks)
    list(connection.receive(b"* OK ready\r\n"))
    connection.send(commands.login("user", "secret"))
    list(connection.receive(b"A1 OK [CAPABILITY IMAP4rev1 LITERAL+] in\r\n"))
    connection.outgoing()
    return connection


def selected(
    *in_flight: Command,
    limits: Limits = Limits(),  # noqa: B008
    sinks: OpenSink | None = None,
) -> Connection:
    """A connection with an EXAMINEd mailbox and these commands in flight, from A3 on."""
    connection = logged_in(limits, sinks)
    connection.send(commands.examine(b"INBOX"))
    list(connection.receive(b"A2 OK [READ-ONLY] examined\r\n"))
    for command in in_flight:
        connection.send(command)
    connection.outgoing()
    return connection


def crlf(text: bytes) -> bytes:
    """Write a transcript's lines as they go over the wire."""
    return text.replace(b"\n", b"\r\n")


def cut(octets: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted({place for place in places if place < len(octets)}), len(octets)]
    return [octets[start:end] for start, end in pairwise(edges)]


def single_octets(octets: bytes) -> list[bytes]:
    return [octets[index : index + 1] for index in range(len(octets))]


def feed(connection: Connection, pieces: Iterable[bytes]) -> tuple[list[Event], bool]:
    """Feed the pieces. Returns the events, and whether the connection survived them."""
    events: list[Event] = []
    try:
        for piece in pieces:
            for event in connection.receive(piece):
                events.append(event)  # noqa: PERF402  (extend would lose those before a raise)
    except ProtocolViolation:
        return events, False
    return events, True


def fetch(uids: bytes, *items: FetchItem) -> Command:
    return commands.uid_fetch(UidSet.parse(uids), items or [FetchItem.FLAGS])


def receive(connection: Connection, octets: bytes) -> list[Event]:
    events, survived = feed(connection, [octets])
    assert survived
    return events


def greeted(capabilities: bytes = b"IMAP4rev1") -> Connection:
    connection = Connection(is_private=True)
    receive(connection, b"* OK [CAPABILITY " + capabilities + b"] ready\r\n")
    return connection
