"""The one encoder of commands: typed arguments become octets (RFC 9051 9, RFC 7888)."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from mailvault.mail.model import Octets, octet_count
from mailvault.protocols.imap.commands import (
    Argument,
    Atom,
    Command,
    FetchItem,
    FlagWord,
    MessageLiteral,
    StoreItem,
    String,
)
from mailvault.protocols.imap.uidset import UidSet

MAX_LINE = 8000  # RFC 7162 4: servers may refuse longer lines (8192 octets)
MAX_NON_SYNC = 4096  # RFC 7888 5: the most that LITERAL- takes without asking

_QUOTED = re.compile(rb"[\x20-\x7e]*")  # no CR, LF, NUL, and nothing above ASCII
_ESCAPED = re.compile(rb'(["\\])')


class Piece(NamedTuple):
    """What is written next; ``waits``: only when the server has said ``+``."""

    octets: Octets
    waits: bool


def encode(tag: str, command: Command, capabilities: frozenset[str]) -> list[Piece]:
    """Write the command, in pieces of which some wait for the server's ``+``.

    Raises ValueError for what cannot be said: NUL, or a line above `MAX_LINE`.
    """
    writer = _Writer(capabilities)
    writer.text += f"{tag} {command.name}".encode()
    for argument in command.arguments:
        writer.text += b" "
        writer.write(argument)
    writer.text += b"\r\n"
    writer.end_piece()
    if writer.longest > MAX_LINE:
        raise ValueError(f"{command.name} would need a line of more than {MAX_LINE} octets")
    return writer.pieces


class _Writer:
    """Gathers the text of a command, and cuts it where the server must be asked."""

    def __init__(self, capabilities: frozenset[str]) -> None:
        self.pieces: list[Piece] = []
        self.text = bytearray()
        self.longest = 0  # octets between two messages: the limit is on lines, not on mail
        self._capabilities = capabilities
        self._line = 0
        self._waits = False

    def end_piece(self, *, waits: bool = False) -> None:
        """What follows is another piece."""
        if self.text:
            self._line += len(self.text)
            self.longest = max(self.longest, self._line)
            self.pieces.append(Piece(bytes(self.text), self._waits))
            self.text.clear()
        self._waits = waits

    def write(self, argument: Argument) -> None:
        if isinstance(argument, Atom | FlagWord):
            self.text += argument.text.encode()
        elif isinstance(argument, FetchItem | StoreItem):
            self.text += argument.value.encode()
        elif isinstance(argument, UidSet):
            self.text += argument.encode()
        elif isinstance(argument, String):
            self._write_string(argument.octets)
        elif isinstance(argument, MessageLiteral):
            self._write_message(argument)
        else:
            self._write_list(argument)

    def _write_list(self, members: Sequence[Argument]) -> None:
        self.text += b"("
        for index, member in enumerate(members):
            self.text += b" " if index else b""
            self.write(member)
        self.text += b")"

    def _write_string(self, octets: bytes) -> None:
        if b"\0" in octets:
            raise ValueError("a string of IMAP cannot hold NUL")  # RFC 9051 9: CHAR8
        if len(octets) <= 1000 and _QUOTED.fullmatch(octets):
            self.text += b'"' + _ESCAPED.sub(rb"\\\1", octets) + b'"'
            return
        if self._announce(len(octets)):
            self.end_piece(waits=True)
        self.text += octets

    def _write_message(self, message: MessageLiteral) -> None:
        self.text += b"UTF8 (~" if message.is_utf8 else b""
        waits = self._announce(octet_count(message.octets))
        self.end_piece()
        self.pieces.append(Piece(message.octets, waits))
        self._line = 0
        self.text += b")" if message.is_utf8 else b""

    def _announce(self, size: int) -> bool:
        waits = not takes_non_sync(size, self._capabilities)
        self.text += b"{%d%s}\r\n" % (size, b"" if waits else b"+")
        return waits


def takes_non_sync(size: int, capabilities: frozenset[str]) -> bool:
    """RFC 7888: LITERAL+ for any size, LITERAL- and IMAP4rev2 up to 4096 octets."""
    if "LITERAL+" in capabilities:
        return True
    return size <= MAX_NON_SYNC and not capabilities.isdisjoint({"LITERAL-", "IMAP4REV2"})
