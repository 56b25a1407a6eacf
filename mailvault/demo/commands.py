"""Reading what an IMAP client sends: whole commands out of a stream, and their words.

The other direction of `mailvault.protocols.imap`, and far smaller: it needs to understand
no more than a client's commands (RFC 9051 9), within tight limits.
"""

import re
from collections.abc import Sequence
from typing import TypeAlias

LINE_LIMIT = 8_192
"""Octets of a command without its literals; RFC 7162 4 asks servers for this much."""
LITERAL_LIMIT = 4_096
NESTING_LIMIT = 8

Word: TypeAlias = "bytes | list[Word]"
"""An atom, a string or a literal as its octets; a parenthesised list as a list."""

_LITERAL = re.compile(rb"\{([0-9]{1,9})(\+?)\}$")
_LITERAL_INLINE = re.compile(rb"\{([0-9]{1,9})\+?\}\r\n")
_QUOTED = re.compile(rb'"((?:[^"\\\r\n]|\\["\\])*)"')
# A section such as BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]<0.100> is one word.
_ATOM = re.compile(rb'[^\x00-\x20\x7f(){"\[\]]+(?:\[[^\]\r\n]*\](?:<[0-9.]+>)?)?')


class BadCommand(Exception):
    """The client sent something that is not a command we understand."""


class CommandTooLong(BadCommand):
    """A command over our limits; what follows it in the stream means nothing."""


class CommandReader:
    """Cuts the octets of a connection into commands, literals included."""

    def __init__(self, literal_limit: int = LITERAL_LIMIT) -> None:
        self._literal_limit = literal_limit
        self._buffer = bytearray()
        self._line_start = 0

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def take(self) -> tuple[bytes, bool] | None:
        """Return the next command and whether it is whole, or None when more must come.

        A command that is not whole ends in a literal its client waits to be asked for.

        Raises:
            CommandTooLong: the connection must be closed.
        """
        if len(self._buffer) < self._line_start:
            return None
        end = self._buffer.find(b"\r\n", self._line_start)
        if end - self._line_start > LINE_LIMIT or (end < 0 and self._is_overlong()):
            raise CommandTooLong("command line too long")
        if end < 0:
            return None
        return self._line(end)

    def _is_overlong(self) -> bool:
        return len(self._buffer) - self._line_start > LINE_LIMIT

    def _line(self, end: int) -> tuple[bytes, bool] | None:
        literal = _LITERAL.search(self._buffer, self._line_start, end)
        if literal is None:
            command = bytes(self._buffer[:end])
            del self._buffer[: end + 2]
            self._line_start = 0
            return command, True
        size = int(literal[1])
        limit = self._literal_limit
        if end + size > LINE_LIMIT + limit or size > limit:
            raise CommandTooLong("literal too long")
        wants_asking = not literal[2]  # RFC 7888: {n+} comes without being asked for
        command = bytes(self._buffer[:end])
        self._line_start = end + 2 + size
        return (command, False) if wants_asking else self.take()


def parse_words(text: bytes) -> list[Word]:
    """Read the words of a command. Raises BadCommand."""
    words, position = _words(text, 0, depth=0)
    if position != len(text):
        raise BadCommand("unbalanced parenthesis")
    return words


def _words(text: bytes, position: int, *, depth: int) -> tuple[list[Word], int]:
    if depth > NESTING_LIMIT:
        raise BadCommand("nested too deeply")
    words: list[Word] = []
    while position < len(text) and text[position] != ord(")"):
        if text[position] == ord(" "):
            position += 1
            continue
        word, position = _word(text, position, depth=depth)
        words.append(word)
    return words, position


def _word(text: bytes, position: int, *, depth: int) -> tuple[Word, int]:
    if text[position] == ord("("):
        inner, end = _words(text, position + 1, depth=depth + 1)
        if end >= len(text):
            raise BadCommand("unbalanced parenthesis")
        return inner, end + 1
    if quoted := _QUOTED.match(text, position):
        return re.sub(rb"\\(.)", rb"\1", quoted[1]), quoted.end()
    if literal := _LITERAL_INLINE.match(text, position):
        end = literal.end() + int(literal[1])
        return text[literal.end() : end], end
    if atom := _ATOM.match(text, position):
        return atom[0], atom.end()
    raise BadCommand(f"unexpected octet {text[position]:#04x}")


def as_text(word: Word) -> bytes:
    """The word, which must not be a list."""
    if isinstance(word, list):
        raise BadCommand("unexpected list")
    return word


def as_list(word: Word) -> list[Word]:
    """The word, which must be a list."""
    if not isinstance(word, list):
        raise BadCommand("expected a list")
    return word


def as_number(word: Word) -> int:
    text = as_text(word)
    if not text.isdigit() or len(text) > 20:
        raise BadCommand("expected a number")
    return int(text)


def parse_set(word: Word, highest: int) -> list[tuple[int, int]]:
    """Read a sequence set into ranges; ``*`` is ``highest`` (RFC 9051 9, seq-number)."""
    ranges = []
    for item in as_text(word).split(b","):
        ends = [highest if end == b"*" else as_number(end) for end in item.split(b":")]
        if len(ends) > 2 or b"0" in item.split(b":"):
            raise BadCommand("invalid sequence set")
        ranges.append((min(ends), max(ends)))
    return ranges


def format_set(numbers: Sequence[int]) -> bytes:
    """Write ascending numbers as a sequence set."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return b",".join(
        b"%d" % first if first == last else b"%d:%d" % (first, last) for first, last in ranges
    )


def upper_words(words: list[Word]) -> list[bytes]:
    """The words in upper case, for names that know no case; none may be a list."""
    return [as_text(word).upper() for word in words]


def option_pairs(words: list[Word]) -> list[tuple[bytes, Word]]:
    """Options that are a name, or a name and a list: RFC 4466 2."""
    pairs: list[tuple[bytes, Word]] = []
    for word in words:
        if not isinstance(word, list):
            pairs.append((word.upper(), []))
        elif pairs:
            pairs[-1] = (pairs[-1][0], word)
        else:
            raise BadCommand("expected a name")
    return pairs
