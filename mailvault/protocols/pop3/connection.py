"""The POP3 engine: commands go out, events come back in the order of the commands.

Holds no socket and knows no time. Whatever is sent without having been asked for ends the
conversation: so nothing injected can be taken for an answer.
"""

import base64
import re
from collections import deque
from collections.abc import Iterator

from mailvault.errors import ProtocolViolation
from mailvault.mail.model import Octets
from mailvault.protocols.pop3.commands import Answer, Command, Name
from mailvault.protocols.pop3.types import (
    Challenge,
    Event,
    Greeting,
    Limits,
    OpenSink,
    Response,
    Sink,
    Status,
)
from mailvault.protocols.pop3.unstuffing import Unstuffer

_CODE = re.compile(r"\[([A-Za-z0-9/._-]{1,64})\] ?")

# RFC 1939 7 wants an RFC 822 msg-id; who accepts anything else signs collisions of MD5
# that tell the password bit by bit (CVE-2007-1558).
_TIMESTAMP = re.compile(rb"<[!-;=?A-~]+@[!-;=?A-~]+>")

BEFORE_TLS = frozenset({Name.CAPA, Name.STLS, Name.QUIT})
"""All that is said without TLS where TLS is required."""


class _Body:
    """The octets of one multi-line response, in memory or on their way to a sink."""

    def __init__(self, command: Command, limits: Limits, open_sink: OpenSink | None) -> None:
        is_message = command.answer is Answer.MESSAGE
        self._name = command.name
        self._held = limits.held
        self._most = limits.message if is_message else limits.listing
        self._open_sink = open_sink if is_message else None
        self._unstuffer = Unstuffer()
        self._pieces: list[bytes] = []
        self._size = 0
        self._sink: Sink | None = None

    def feed(self, data: bytes, start: int) -> int | None:
        """Take octets; give the place behind the end of the response, if it is there."""
        octets, end = self._unstuffer.feed(data, start)
        self._size += len(octets)
        if self._size > self._most:
            raise ProtocolViolation(
                f"the answer to {self._name} is longer than {self._most} octets"
            )
        if self._sink is not None:
            self._sink.write(octets)
        else:
            self._pieces.append(octets)
            if self._open_sink is not None and self._size > self._held:
                self._sink = self._open_sink()
                for piece in self._pieces:
                    self._sink.write(piece)
                self._pieces.clear()
        return end

    def finish(self) -> Octets:
        return b"".join(self._pieces) if self._sink is None else self._sink.finish()

    def abort(self) -> None:
        if self._sink is not None:
            self._sink.abort()


class Connection:
    """One session. ``is_private`` says that TLS is on already."""

    def __init__(
        self,
        *,
        is_private: bool,
        limits: Limits | None = None,
        open_sink: OpenSink | None = None,
    ) -> None:
        self._may_say_all = is_private
        self._limits = limits or Limits()
        self._open_sink = open_sink
        self._in_flight: deque[Command] = deque()
        self._outgoing = bytearray()
        self._data = b""
        self._at = 0
        self._status: Status | None = None
        self._body: _Body | None = None
        self._is_greeted = False

    def allow_plaintext(self) -> None:
        """Nobody listens, or the user accepted that somebody may."""
        self._may_say_all = True

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    def send(self, command: Command) -> None:
        """Queue a command behind those in flight."""
        if not self._may_say_all and command.name not in BEFORE_TLS:
            raise ProtocolViolation(f"{command.name} must not be said before TLS")
        self._in_flight.append(command)
        self._outgoing += command.line

    def respond(self, response: bytes) -> None:
        """Answer a challenge (RFC 5034 4)."""
        self._outgoing += base64.b64encode(response) + b"\r\n"

    def cancel(self) -> None:
        """Give up a SASL exchange; the server answers with -ERR."""
        self._outgoing += b"*\r\n"

    def outgoing(self) -> bytes:
        """What is to be written now."""
        octets = bytes(self._outgoing)
        self._outgoing.clear()
        return octets

    def receive(self, data: bytes) -> Iterator[Event]:
        """Take octets and yield what is complete; the rest is kept.

        Raises:
            ProtocolViolation: not POP3, not asked for, or beyond the limits.
        """
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0
        while self._at < len(self._data):
            event = self._next()
            if event is None:
                return
            yield event

    def forget(self) -> None:
        """TLS begins: nothing that was said before it is believed any more.

        Raises:
            ProtocolViolation: the server said more than its consent.
        """
        if self._at < len(self._data) or self._in_flight:
            raise ProtocolViolation("the server sent something behind its consent to STLS")
        self._data, self._at = b"", 0
        self._may_say_all = True

    def abort(self) -> None:
        """Drop what is half received. Idempotent."""
        if self._body is not None:
            self._body.abort()
        self._body = None
        self._data, self._at = b"", 0
        self._in_flight.clear()

    def _next(self) -> Event | None:
        if self._body is None:
            event = self._line_event()
            if event is not None or self._body is None:
                return event
        return self._fill()

    def _fill(self) -> Event | None:
        assert self._body is not None
        assert self._status is not None
        end = self._body.feed(self._data, self._at)
        self._at = len(self._data) if end is None else end
        if end is None:
            return None
        body, self._body = self._body, None
        return Response(self._in_flight.popleft(), self._status, body.finish())

    def _line_event(self) -> Event | None:
        line = self._line()
        if line is None:
            return None
        if not self._is_greeted:
            return self._greet(line)
        if not self._in_flight:
            raise ProtocolViolation("the server sent something nobody asked for")
        command = self._in_flight[0]
        if command.name is Name.AUTH and (line == b"+" or line.startswith(b"+ ")):
            return Challenge(line[2:])
        status = _status(line)
        if status.is_ok and command.answer is not Answer.NOTHING:
            self._status = status
            self._body = _Body(command, self._limits, self._open_sink)
            return None
        self._in_flight.popleft()
        return Response(command, status)

    def _greet(self, line: bytes) -> Greeting:
        self._is_greeted = True
        found = _TIMESTAMP.search(line)
        return Greeting(_status(line), found[0] if found else None)

    def _line(self) -> bytes | None:
        end = self._data.find(b"\n", self._at)
        longest = self._at + self._limits.line
        if end > longest or (end < 0 and len(self._data) > longest):
            raise ProtocolViolation(f"a status line is longer than {self._limits.line} octets")
        if end < 0:
            return None
        line = self._data[self._at : end]
        self._at = end + 1
        return line[:-1] if line.endswith(b"\r") else line


def _status(line: bytes) -> Status:
    word, _, rest = line.partition(b" ")
    if word.upper() not in (b"+OK", b"-ERR"):
        raise ProtocolViolation("the server answers neither +OK nor -ERR")
    text = rest.decode("utf-8", "replace")
    code = _CODE.match(text)
    return Status(
        word.upper() == b"+OK",
        text[code.end() :] if code else text,
        code[1].upper() if code else None,
    )
