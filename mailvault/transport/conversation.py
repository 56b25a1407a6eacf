"""What the sessions of IMAP and POP3 have in common: an engine that talks over a stream."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from mailvault.errors import ConnectionLost, MailvaultError, ProtocolViolation
from mailvault.transport.endpoint import Endpoint
from mailvault.transport.stream import Stream, injected

Event = TypeVar("Event")
Event_co = TypeVar("Event_co", covariant=True)


class Engine(Protocol[Event_co]):
    """A protocol without I/O."""

    def outgoing(self) -> bytes: ...

    def receive(self, octets: bytes, /) -> Iterator[Event_co]: ...

    def respond(self, octets: bytes, /) -> None: ...

    def forget(self) -> None: ...

    def abort(self) -> None: ...


class Conversation(Generic[Event]):
    """One connection in use by one thread. What goes wrong in it ends it."""

    def __init__(self, stream: Stream, engine: Engine[Event]) -> None:
        self.stream = stream
        self._engine = engine
        self._arriving: Iterator[Event] = iter(())

    @property
    def endpoint(self) -> Endpoint:
        return self.stream.endpoint

    def flush(self) -> None:
        """Write what may be written now."""
        try:
            if octets := self._engine.outgoing():
                self.stream.send(octets)
        except ConnectionLost:
            self.abort()
            raise

    def event(self, timeout: float | None = None) -> Event:
        """Return the next event.

        Raises:
            ConnectionLost: the server ended the session, fell silent or went away.
            ProtocolViolation: what it said breaks the protocol, or is beyond all limits.
        """
        wait = self.endpoint.timeouts.command if timeout is None else timeout
        try:
            while (event := next(self._arriving, None)) is None:
                self.flush()
                self._arriving = self._engine.receive(self.stream.receive(wait))
        except MailvaultError:
            self.abort()
            raise
        self._note(event)
        return event

    def respond(self, octets: bytes) -> None:
        """Answer a challenge."""
        self._engine.respond(octets)
        self.flush()

    def start_tls(self) -> None:
        """Be private from here on, and forget everything said before. Raises TlsRefused."""
        try:
            self._engine.forget()
        except ProtocolViolation as error:
            raise injected(self.endpoint) from error
        self.stream.start_tls()

    def abort(self) -> None:
        """Drop the connection and all that is half received. Idempotent."""
        self._engine.abort()
        self.stream.close()

    def repeatable(self, words: str) -> str:
        """The server's words; not those that anybody on the way may have put in its mouth."""
        if not self.stream.may_carry_secrets:
            return "(its words are not repeated, because they came without TLS)"
        return words

    def _note(self, event: Event) -> None:  # noqa: ARG002 - IMAP looks at it
        """See an event before whoever waits for it; here each one answers something."""
        self.stream.pace.answer_came()
