"""Commands and responses over a stream: who waits for what, and for how long."""

import logging
from collections.abc import Iterable, Iterator
from itertools import chain

from mailvault.errors import ConnectionLost, MailvaultError, ServerBusy
from mailvault.mail.model import Octets
from mailvault.protocols.imap.commands import Command
from mailvault.protocols.imap.connection import Connection
from mailvault.protocols.imap.types import (
    Bye,
    Continuation,
    Event,
    Exists,
    Expunge,
    Fetch,
    Greeting,
    ResponseCode,
    Status,
    Tagged,
    Value,
    Vanished,
)
from mailvault.transport.conversation import Conversation
from mailvault.transport.imap_refusals import is_for_now, refused, said
from mailvault.transport.printable import printable
from mailvault.transport.refusals import suggested_wait
from mailvault.transport.stream import Stream

log = logging.getLogger(__name__)

_WRITE = 1 << 18


class Session(Conversation[Event]):
    """One connection in use by one thread. `event` raises ConnectionLost on BYE."""

    def __init__(self, stream: Stream, connection: Connection) -> None:
        super().__init__(stream, connection)
        self.connection = connection
        self.exists = 0
        self.expunged = 0  # messages that went away since the mailbox was selected
        self.is_leaving = False

    def offers(self, *names: str) -> bool:
        """Whether the server has all these capabilities."""
        return self.connection.capabilities.issuperset(names)

    def send(self, command: Command) -> str:
        """Write a command behind those in flight and return its tag."""
        if self.stream.is_broken:
            raise ConnectionLost(f"the connection to {self.endpoint} is gone")
        tag = self.connection.send(command)
        self.flush()
        return tag

    def flush(self) -> None:
        """Write what may be written now; small pieces go out together."""
        try:
            for octets in _gathered(self.connection.outgoing_pieces()):
                self.stream.send(octets)
        except BaseException:  # half a command makes all that follows meaningless
            self.abort()
            raise

    def wait(self, timeout: float) -> bool:
        """Whether the server says something within so many seconds."""
        event = next(self._arriving, None)
        if event is None:
            return self.stream.wait(timeout)
        self._arriving = chain((event,), self._arriving)
        return True

    def answers(self, tag: str) -> Iterator[Value]:
        """Yield what answers the command, or comes along, until its tagged response, too."""
        while True:
            value, answered = self.event()
            if isinstance(value, Tagged):
                if value.tag == tag:
                    yield value
                    return
            elif isinstance(value, Fetch) and answered not in (tag, None):
                discard(value)  # its caller abandoned the command
            else:
                yield value

    def complete(self, command: Command) -> tuple[list[Value], Tagged]:
        """Run a command to its end, whatever that is."""
        *values, tagged = self.answers(self.send(command))
        assert isinstance(tagged, Tagged)
        return values, tagged

    def finish(self, tag: str) -> Tagged:
        """Wait for the tagged response and let everything before it pass."""
        for value in self.answers(tag):
            if isinstance(value, Tagged):
                return value
        raise AssertionError("answers end with the tagged response")

    def run(self, command: Command) -> list[Value]:
        """Run a command and return the untagged values. Raises ServerRefused on NO or BAD."""
        values, tagged = self.complete(command)
        if not tagged.is_ok:
            raise refused(self.endpoint, command.name, tagged)
        return values

    def challenge(self, tag: str) -> Continuation | Tagged:
        """Wait for the server's turn in a dialogue: a continuation, or the end."""
        while True:
            value, _ = self.event()
            if isinstance(value, Continuation) or (
                isinstance(value, Tagged) and value.tag == tag
            ):
                return value

    def _note(self, event: Event) -> None:
        if event.tag is not None:
            self.stream.pace.answer_came()
        else:
            self.stream.pace.response_came()
        match event.value:
            case Exists(count):
                self.exists = count
            case Expunge():
                self.expunged += 1
            case Vanished(uids, False):
                self.expunged += len(uids)
            case Bye() as bye if not self.is_leaving:
                self.abort()
                raise self._ended(bye)
            case Status(_, ResponseCode("ALERT"), text) if self.stream.may_carry_secrets:
                log.warning("%s says: %s", self.endpoint, printable(text))

    def _ended(self, bye: Bye) -> MailvaultError:
        what = f"{self.endpoint} ended the session: {self.quoted(bye)}"
        if self.stream.may_carry_secrets and is_for_now(bye):
            return ServerBusy(
                what, hint="try again later", retry_after=suggested_wait(bye.text)
            )
        return ConnectionLost(what)

    def quoted(self, response: Tagged | Bye | Greeting) -> str:
        return self.repeatable(said(response))


def _gathered(pieces: Iterable[Octets]) -> Iterator[bytes]:
    """Join small pieces, and read what lies in files, a little at a time."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        for octets in (piece,) if isinstance(piece, bytes) else piece.chunks():
            waiting.append(octets)
            size += len(octets)
            if size >= _WRITE:
                yield b"".join(waiting)
                waiting.clear()
                size = 0
    if waiting:
        yield b"".join(waiting)


def discard(fetch: Fetch) -> None:
    """Remove the temporary files of a message that nobody will take."""
    for octets in fetch.octets():
        if not isinstance(octets, bytes):
            octets.discard()
