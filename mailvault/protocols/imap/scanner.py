"""Walks through one response: patterns, strings, literals and lists (RFC 9051 9)."""

import re
from typing import TypeAlias

from mailvault.errors import ProtocolViolation
from mailvault.protocols.imap.lexer import Response
from mailvault.protocols.imap.types import Body

Tree: TypeAlias = "Body | list[Tree] | None"
"""A value of any kind: octets, NIL, or a parenthesised list."""

_ANNOUNCEMENT = re.compile(rb"~?\{[0-9]+\}\Z")
_QUOTED = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_WORD = re.compile(rb'[^ ()"{]+')
_BLANKS = re.compile(rb" *")


class Scanner:
    """A position in a response. Every method that fails raises ProtocolViolation."""

    __slots__ = ("_depth", "_index", "_max_depth", "_position", "_response", "_text")

    def __init__(self, response: Response, max_depth: int) -> None:
        self._response = response
        self._index = 0
        self._text = response.texts[0]
        self._position = 0
        self._depth = 0
        self._max_depth = max_depth

    def take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Step over ``pattern`` if it stands here."""
        match = pattern.match(self._text, self._position)
        if match is not None:
            self._position = match.end()
        return match

    def expect(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        match = self.take(pattern)
        if match is None:
            raise self.violation(what)
        return match

    def violation(self, what: str) -> ProtocolViolation:
        # Short, for it is shown to people; ascii(), for it comes from a stranger.
        beginning = ascii(self._response.texts[0][:60].decode("latin-1"))
        return ProtocolViolation(f"the server sent {what} that cannot be read: {beginning}")

    def skips(self, token: bytes) -> bool:
        """Step over ``token`` if it stands here, and say whether it did."""
        if not self._text.startswith(token, self._position):
            return False
        self._position += len(token)
        return True

    def skip_blanks(self) -> None:
        self.take(_BLANKS)

    def is_at_end(self) -> bool:
        is_last = self._index == len(self._response.literals)
        return is_last and self._position == len(self._text)

    def rest(self) -> bytes:
        """Take what is left of this text, up to the next literal."""
        rest = self._text[self._position :]
        self._position = len(self._text)
        return rest

    def literal(self) -> Body | None:
        """Step over a literal if one stands here."""
        if self._index == len(self._response.literals) or not self.take(_ANNOUNCEMENT):
            return None
        literal = self._response.literals[self._index]
        self._index += 1
        self._text = self._response.texts[self._index]
        self._position = 0
        return literal

    def quoted(self) -> bytes | None:
        """Step over a quoted string if one stands here."""
        match = self.take(_QUOTED)
        if match is None:
            return None
        text: bytes = match[1]
        return _ESCAPE.sub(rb"\1", text) if b"\\" in text else text

    def quoted_before(self, end: re.Pattern[bytes]) -> bytes | None:
        """Step over a quoted string if one stands here with ``end`` right behind it."""
        start = self._position
        text = self.quoted()
        if text is None or end.match(self._text, self._position):
            return text
        self._position = start
        return None

    def string(self) -> bytes | None:
        """Step over a quoted string or a literal that is in memory, if one stands here."""
        literal = self.literal()
        if literal is None:
            return self.quoted()
        if not isinstance(literal, bytes):
            raise self.violation("a literal too large for its place")
        return literal

    def value(self) -> Tree:
        """Step over a string, a literal, NIL, a word or a list of those."""
        if self.skips(b"("):
            return self._list()
        literal = self.literal()
        if literal is not None:
            return literal
        quoted = self.quoted()
        if quoted is not None:
            return quoted
        word: bytes = self.expect(_WORD, "a value")[0]
        return None if word.upper() == b"NIL" else word

    def _list(self) -> "list[Tree]":
        self._depth += 1
        if self._depth > self._max_depth:
            raise ProtocolViolation(f"the server nested lists more than {self._max_depth} deep")
        members: list[Tree] = []
        self.skip_blanks()
        while not self.skips(b")"):
            members.append(self.value())
            self.skip_blanks()
        self._depth -= 1
        return members
