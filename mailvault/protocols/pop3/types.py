"""What the engine hands out, and how much it takes in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from mailvault.mail.model import Octets, StreamedOctets
from mailvault.protocols.pop3.commands import Command


class Sink(Protocol):
    """Takes a large message as it comes."""

    def write(self, octets: bytes) -> object: ...

    def finish(self) -> StreamedOctets: ...

    def abort(self) -> None: ...


OpenSink: TypeAlias = Callable[[], Sink]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server may send before it is taken for broken or hostile."""

    line: int = 64 << 10  # a status line; RFC 1939 3 allows 512 octets
    held: int = 1 << 20  # of a message in memory; above it, all goes to the sink
    listing: int = 64 << 20  # about a million messages
    message: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Status:
    """A status line: ``+OK`` or ``-ERR``, the response code in brackets (RFC 2449 8), text."""

    is_ok: bool
    text: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Greeting:
    status: Status
    timestamp: bytes | None = None
    """What APOP signs (RFC 1939 7); None where the server gives no sound one."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """The server's turn in a SASL exchange, still in base64 (RFC 5034 4)."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to one command. ``octets`` follow a +OK where the command asks for them."""

    command: Command
    status: Status
    octets: Octets | None = None


Event: TypeAlias = Greeting | Challenge | Response
