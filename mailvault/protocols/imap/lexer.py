"""Cuts the octet stream into responses: lines of text, and the literals between them.

Nothing is understood here but where a response ends. Nothing is allocated because it was
announced: what a literal promises counts only against the limits.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mailvault.errors import ProtocolViolation
from mailvault.protocols.imap.types import Body, Limits, OpenSink, Oversized, number_in

# Free text may end in braces: "* OK use {5}", "a1 NO {x}", "+ {3}".
_FREE_TEXT = re.compile(rb"\+|[^ ]+ (?:OK|NO|BAD|BYE|PREAUTH)(?: |\Z)", re.IGNORECASE)
_NUMBERS = re.compile(rb"\* (?:E?SEARCH|VANISHED) ", re.IGNORECASE)
_FETCH = re.compile(rb"\* [0-9]+ FETCH ", re.IGNORECASE)
_MESSAGE_ITEM = re.compile(
    rb"[ (](?:(?:BODY|BINARY)\[[^\]]*\](?:<[0-9]+>)?|RFC822(?:\.HEADER|\.TEXT)?)"
    rb" ~?\{[0-9]+\}\Z",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Response:
    """One response: each of ``literals`` stands behind the text of the same index."""

    texts: list[bytes] = field(default_factory=list)
    literals: list[Body] = field(default_factory=list)

    def large_literals(self) -> int:
        """How many literals are not in memory."""
        return sum(not isinstance(literal, bytes) for literal in self.literals)

    def discard(self) -> None:
        """Remove the temporary files of literals that nobody will get."""
        for literal in self.literals:
            if not isinstance(literal, bytes):
                literal.discard()


class _Filling(Protocol):
    """A literal of which some octets are still to come."""

    def write(self, octets: memoryview) -> object: ...

    def finish(self) -> Body: ...

    def abort(self) -> None: ...


class _Held:
    """A literal kept in memory."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def write(self, octets: memoryview) -> None:
        self._octets += octets

    def finish(self) -> bytes:
        return bytes(self._octets)

    def abort(self) -> None:
        self._octets.clear()


class _Drained:
    """A literal thrown away as it comes."""

    def __init__(self, size: int) -> None:
        self._size = size

    def write(self, octets: memoryview) -> None:
        pass

    def finish(self) -> Oversized:
        return Oversized(self._size)

    def abort(self) -> None:
        pass


class ResponseReader:
    """Takes octets in pieces of any size and gives back whole responses."""

    def __init__(self, limits: Limits, open_sink: OpenSink | None = None) -> None:
        self.accepts_literals = False
        self._limits = limits
        self._open_sink = open_sink
        self._buffer = b""
        self._position = 0
        self._unfinished: list[bytes] = []  # a line without its end; the buffer is empty then
        self._unfinished_length = 0
        self._response = Response()
        self._filling: _Filling | None = None
        self._wanted = 0

    def feed(self, octets: bytes) -> None:
        left = self._buffer[self._position :]
        self._buffer, self._position = left + octets if left else octets, 0

    def next(self) -> Response | None:
        """Return the next response, or None until more octets are fed."""
        while self._filling is None or self._fill():
            line = self._line()
            if line is None:
                break
            self._response.texts.append(line)
            if line.endswith(b"}") and self._begin_literal(line):
                continue
            response, self._response = self._response, Response()
            return response
        return None

    def take_rest(self) -> bytes:
        """Take the octets behind the last response."""
        rest = b"".join(self._unfinished) + self._buffer[self._position :]
        self._unfinished, self._unfinished_length = [], 0
        self._buffer, self._position = b"", 0
        return rest

    def abort(self) -> None:
        """Throw away what is half received. Idempotent."""
        if self._filling is not None:
            self._filling.abort()
            self._filling = None
        self._response.discard()
        self._response = Response()
        self.take_rest()

    def _line(self) -> bytes | None:
        if self._unfinished:
            return self._rest_of_line()
        buffer, start = self._buffer, self._position
        end = buffer.find(b"\r\n", start)
        if end < 0:
            self._put_aside()
            return None
        if end - start > self._limits.line:
            self._check_length(end - start, [buffer[start : start + 64]])
        self._position = end + 2
        return buffer[start:end]

    def _rest_of_line(self) -> bytes | None:
        buffer, start = self._buffer, self._position
        if self._unfinished[-1].endswith(b"\r") and buffer.startswith(b"\n", start):
            end, after = start, start + 1
        else:
            end = buffer.find(b"\r\n", start)
            after = end + 2
        if end < 0:
            self._put_aside()
            return None
        line = b"".join((*self._unfinished, buffer[start:end]))
        line = line[:-1] if after == start + 1 else line
        self._check_length(len(line), [line])
        self._unfinished, self._unfinished_length = [], 0
        self._position = after
        return line

    def _put_aside(self) -> None:
        """Keep a line's beginning in pieces: joining them anew each time would be quadratic."""
        piece = self._buffer[self._position :]
        self._buffer, self._position = b"", 0
        if piece:
            self._unfinished.append(piece)
            self._unfinished_length += len(piece)
            # one more, for the CR of its end may be there already
            self._check_length(self._unfinished_length - 1, self._unfinished)

    def _check_length(self, length: int, pieces: Sequence[bytes]) -> None:
        limits = self._limits
        if length <= limits.line:
            return
        beginning = b"".join(piece[:64] for piece in pieces[:64])
        is_numbers = not self._response.literals and _NUMBERS.match(beginning)
        longest = limits.number_line if is_numbers else limits.line
        if length > longest:
            raise ProtocolViolation(f"the server sent a line of more than {longest} octets")

    def _begin_literal(self, line: bytes) -> bool:
        size = self._announced(line)
        if size is None:
            return False
        literals = self._response.literals
        if not self.accepts_literals:
            raise ProtocolViolation("the server sent a literal where none is allowed")
        if len(literals) >= self._limits.literals_in_response:
            raise ProtocolViolation("the server sent too many literals in one response")
        if size > self._limits.literal:
            self._filling = self._filling_for_large(size)
        elif self._position + size <= len(self._buffer):
            start, self._position = self._position, self._position + size
            literals.append(self._buffer[start : self._position])
            return True
        else:
            self._filling = _Held()
        self._wanted = size
        return True

    def _announced(self, line: bytes) -> int | None:
        """Read the size in ``{42}`` at the end of a line; None if that is mere text."""
        brace = line.rfind(b"{")
        if brace < 1 or line[brace - 1] not in b" (~":
            return None
        if not self._response.literals and _FREE_TEXT.match(line):
            return None
        digits = line[brace + 1 : -1]
        size = number_in(digits)
        if size is None:
            raise ProtocolViolation(
                f"the server announced a literal of {_shown(digits)} octets"
            )
        return size

    def _filling_for_large(self, size: int) -> _Filling:
        texts = self._response.texts
        is_message = _FETCH.match(texts[0]) and _MESSAGE_ITEM.search(texts[-1][-1024:])
        if not is_message:
            raise ProtocolViolation(
                f"the server announced a literal of {size} octets that is not a message"
            )
        if size > self._limits.message:
            return _Drained(size)
        return self._open_sink(size) if self._open_sink else _Held()

    def _fill(self) -> bool:
        """Move octets into the literal being received. True once it is whole."""
        filling = self._filling
        assert filling is not None
        available = min(self._wanted, len(self._buffer) - self._position)
        if available:
            end = self._position + available
            with memoryview(self._buffer) as octets:
                filling.write(octets[self._position : end])
            self._position = end
            self._wanted -= available
        if self._wanted:
            return False
        self._filling = None
        self._response.literals.append(filling.finish())
        return True


def _shown(digits: bytes) -> str:
    return ascii(digits[:40].decode("latin-1"))
