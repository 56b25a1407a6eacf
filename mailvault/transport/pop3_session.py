"""Commands and responses of POP3 over a stream: who waits for what, and for how long."""

import logging
from collections.abc import Iterator

from mailvault.errors import ConnectionLost, MailvaultError, ProtocolViolation
from mailvault.mail.model import Octets
from mailvault.protocols.pop3.commands import Command
from mailvault.protocols.pop3.connection import Connection
from mailvault.protocols.pop3.types import Challenge, Event, Response, Status
from mailvault.transport.endpoint import Endpoint
from mailvault.transport.printable import printable
from mailvault.transport.stream import Stream

log = logging.getLogger(__name__)


class Session:
    """One connection in use by one thread."""

    def __init__(self, stream: Stream, connection: Connection) -> None:
        self.stream = stream
        self.connection = connection
        self._arriving: Iterator[Event] = iter(())

    @property
    def endpoint(self) -> Endpoint:
        return self.stream.endpoint

    def send(self, *commands: Command) -> None:
        """Write commands behind those in flight."""
        for command in commands:
            self.connection.send(command)
        self.flush()

    def flush(self) -> None:
        try:
            if octets := self.connection.outgoing():
                self.stream.send(octets)
        except ConnectionLost:
            self.abort()
            raise

    def event(self, timeout: float | None = None) -> Event:
        """Return the next event.

        Raises:
            ConnectionLost: the server fell silent or went away.
            ProtocolViolation: what it said is not POP3, not asked for, or beyond all limits.
        """
        wait = self.endpoint.timeouts.command if timeout is None else timeout
        try:
            while (event := next(self._arriving, None)) is None:
                self.flush()
                self._arriving = self.connection.receive(self.stream.receive(wait))
        except MailvaultError:
            self.abort()
            raise
        self.stream.pace.answer_came()
        return event

    def response(self, timeout: float | None = None) -> Response:
        """Return the answer to the oldest command in flight. Raises as `event` does."""
        event = self.event(timeout)
        if not isinstance(event, Response):
            self.abort()
            raise ProtocolViolation(f"{self.endpoint} sent a challenge out of turn")
        return event

    def run(self, command: Command) -> Response:
        """Send one command and wait for its answer, whatever that is."""
        self.send(command)
        return self.response()

    def listing(self, command: Command) -> bytes | None:
        """The lines a command asks for; None when the server refuses."""
        return octets_of(self.run(command).octets)

    def challenge(self) -> Challenge | Response:
        """Wait for the server's turn in a SASL exchange: a challenge, or the end."""
        event = self.event()
        assert isinstance(event, Challenge | Response)
        return event

    def abort(self) -> None:
        """Drop the connection and all that is half received. Idempotent."""
        self.connection.abort()
        self.stream.close()

    def quoted(self, status: Status, secret: str = "") -> str:
        """The server's words; not those anybody on the way may have put in its mouth."""
        if not self.stream.may_carry_secrets:
            return "(its words are not repeated, because they came without TLS)"
        return said(status, secret)


def said(status: Status, secret: str = "") -> str:
    """The server's own words, safe to show."""
    text = status.text.replace(secret, "***") if secret else status.text
    code = f"[{printable(status.code)}] " if status.code else ""
    return code + (printable(text) or "it did not say why")


def octets_of(octets: Octets | None) -> bytes | None:
    """A listing, which the engine never puts into a file."""
    return octets if isinstance(octets, bytes) else None
