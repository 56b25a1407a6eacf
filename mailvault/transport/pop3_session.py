"""Commands and responses of POP3 over a stream: who waits for what, and for how long."""

import logging

from mailvault.errors import ProtocolViolation
from mailvault.mail.model import Octets
from mailvault.protocols.pop3.commands import Command
from mailvault.protocols.pop3.connection import Connection
from mailvault.protocols.pop3.types import Challenge, Event, Response, Status
from mailvault.transport.conversation import Conversation
from mailvault.transport.refusals import words
from mailvault.transport.stream import Stream

log = logging.getLogger(__name__)


class Session(Conversation[Event]):
    """One connection in use by one thread."""

    def __init__(self, stream: Stream, connection: Connection) -> None:
        super().__init__(stream, connection)
        self.connection = connection

    def send(self, *commands: Command) -> None:
        """Write commands behind those in flight."""
        for command in commands:
            self.connection.send(command)
        self.flush()

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

    def turn(self) -> bytes | Status:
        """Wait for the server's turn in a SASL exchange: a challenge, or the end."""
        event = self.event()
        assert isinstance(event, Challenge | Response)
        return event.text if isinstance(event, Challenge) else event.status

    def quoted(self, status: Status, secret: str = "") -> str:
        return self.repeatable(said(status, secret))


def said(status: Status, secret: str = "") -> str:
    """The server's own words, safe to show."""
    return words(status.code, status.text, secret)


def octets_of(octets: Octets | None) -> bytes | None:
    """A listing, which the engine never puts into a file."""
    return octets if isinstance(octets, bytes) else None
