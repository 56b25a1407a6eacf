"""One IMAP connection without a network: commands in, octets out; octets in, events out."""

from collections.abc import Iterator
from enum import Enum

from mailvault.mail.model import MailboxName
from mailvault.protocols.imap.commands import Command
from mailvault.protocols.imap.types import Event, Greeting, Limits, OpenSink


class State(Enum):
    """RFC 9051 3."""

    GREETING = "waiting for the greeting"
    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


DEFAULT_LIMITS = Limits()


class Connection:
    """A connection's state and what is in flight.

    After each `send`, `respond`, `done` and after each event, write what `outgoing` returns.

    Public attributes (read only): ``state``; ``capabilities`` (upper case; empty when not
    known: after `forget`, and after a login that did not renew them, ask again);
    ``enabled`` (upper case names the server ENABLEd); ``greeting``; ``in_flight`` (tags).
    """

    state: State
    capabilities: frozenset[str]
    enabled: frozenset[str]
    greeting: Greeting | None

    def __init__(
        self,
        *,
        is_private: bool,
        limits: Limits = DEFAULT_LIMITS,
        open_sink: OpenSink | None = None,
    ) -> None:
        """``is_private``: TLS is up already. Without it only the greeting, CAPABILITY and
        STARTTLS exist, until `forget` (TLS is up) or `allow_plaintext`.
        ``open_sink`` takes message literals above ``limits.literal``; None keeps them whole.
        """
        raise NotImplementedError

    def send(self, command: Command) -> str:
        """Queue a command, pipelined behind those in flight, and return its tag.

        Raises ValueError if the command is not allowed in this state or cannot be encoded.
        """
        raise NotImplementedError

    def outgoing(self) -> bytes:
        """Take the octets that may be written now; the rest waits for the server's ``+``."""
        raise NotImplementedError

    def receive(self, octets: bytes) -> Iterator[Event]:
        """Take octets from the server and yield what they complete. Exhaust it.

        Raises ProtocolViolation (then the connection is dead) after the events before it.
        """
        raise NotImplementedError

    def respond(self, octets: bytes) -> None:
        """Answer a Continuation of AUTHENTICATE with raw octets (base64 is done here)."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Break off AUTHENTICATE; the server answers with a tagged BAD."""
        raise NotImplementedError

    def done(self) -> None:
        """End IDLE."""
        raise NotImplementedError

    def forget(self) -> None:
        """TLS is about to begin: drop all that is known. Call after the OK of STARTTLS.

        Raises ProtocolViolation if any octet followed that OK (response injection).
        """
        raise NotImplementedError

    def allow_plaintext(self) -> None:
        """Permit everything without TLS: loopback, or the user insists."""
        raise NotImplementedError

    def unread(self) -> bytes:
        """Take the raw octets behind the OK of COMPRESS: inflate them and `receive` them.

        `receive` stops at that OK until this is called.
        """
        raise NotImplementedError

    def abort(self) -> None:
        """The connection is gone: throw away what is half received. Idempotent."""
        raise NotImplementedError

    def mailbox_name(self, wire_name: bytes, delimiter: str | None) -> MailboxName:
        """Decode a name as this connection's servers writes it (UTF-8 once accepted)."""
        raise NotImplementedError
