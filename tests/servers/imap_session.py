"""A byte-exact IMAP client for the tests: what it sends and receives is what was on the wire.

imaplib rewrites line ends in APPEND, and the product's own client must not prove itself.
"""

import base64
import re
import socket
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from tests.servers.process import HOST

Reply = list[bytes]
"""One response: text and literals in turn, beginning and ending with text."""


class Refused(Exception):
    """The server answered a command with NO or BAD."""


class ImapSession:
    """A logged-in connection, one command at a time."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._socket = socket.create_connection((HOST, port), 60)
        self._file = self._socket.makefile("rb")
        self._count = 0
        try:
            self.greeting = self._reply()
            self.command(b"LOGIN ", quoted(user.encode()), b" ", quoted(password.encode()))
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self.command(b"LOGOUT")
        finally:
            self._close()

    def command(self, *parts: bytes, literal: bytes | None = None) -> tuple[list[Reply], bytes]:
        """Send one command, with ``literal`` after its last part.

        Gives the untagged replies and the text after the tag. Raises Refused.
        """
        self._count += 1
        tag = b"t%d" % self._count
        line = tag + b" " + b"".join(parts)
        untagged: list[Reply] = []
        if literal is None:
            self._socket.sendall(line + b"\r\n")
            return untagged, self._until(tag, untagged)
        self._socket.sendall(line + b"{%d}\r\n" % len(literal))
        while not (reply := self._reply())[0].startswith(b"+"):
            if reply[0].startswith(tag + b" "):
                raise Refused(reply[0].decode(errors="replace"))
            untagged.append(reply)
        self._socket.sendall(literal + b"\r\n")
        return untagged, self._until(tag, untagged)

    def append(
        self, mailbox: str, octets: bytes, flags: Iterable[str] = (), date: str | None = None
    ) -> int:
        """APPEND a message; give its UID, or 0 where the server does not say (RFC 4315)."""
        when = b'"' + date.encode() + b'" ' if date else b""
        arguments = mailbox_argument(mailbox) + b" (" + " ".join(flags).encode() + b") " + when
        _, text = self.command(b"APPEND ", arguments, literal=octets)
        found = re.search(rb"APPENDUID \d+ (\d+)", text)
        return int(found[1]) if found else 0

    def create(self, mailbox: str) -> None:
        self.command(b"CREATE ", mailbox_argument(mailbox))

    def select(self, mailbox: str, verb: str = "SELECT") -> list[Reply]:
        return self.command(verb.encode(), b" ", mailbox_argument(mailbox))[0]

    def store(self, uids: str, change: str) -> None:
        """For instance ``store("1:5", "+FLAGS (\\Seen)")``."""
        self.command(f"UID STORE {uids} {change}".encode())

    def expunge(self, uids: str) -> None:
        """Remove messages of the selected mailbox for good."""
        self.store(uids, "+FLAGS.SILENT (\\Deleted)")
        self.command(f"UID EXPUNGE {uids}".encode())

    def _close(self) -> None:
        self._file.close()
        self._socket.close()

    def _until(self, tag: bytes, untagged: list[Reply]) -> bytes:
        while not (reply := self._reply())[0].startswith(tag + b" "):
            untagged.append(reply)
        text = reply[0][len(tag) + 1 :].strip()
        if not text.upper().startswith(b"OK"):
            raise Refused(text.decode(errors="replace"))
        return text

    def _reply(self) -> Reply:
        pieces: Reply = []
        while True:
            line = self._file.readline()
            if not line.endswith(b"\n"):
                raise ConnectionError(f"the server closed the connection: {[*pieces, line]!r}")
            pieces.append(line)
            announced = re.search(rb"\{(\d+)\}\r\n$", line)
            if not announced:
                return pieces
            literal = self._file.read(int(announced[1]))
            if len(literal) != int(announced[1]):
                raise ConnectionError("the server closed the connection in a literal")
            pieces.append(literal)


def quoted(text: bytes) -> bytes:
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def mailbox_argument(name: str) -> bytes:
    """Quote a mailbox name in modified UTF-7 (RFC 3501 5.1.3)."""
    return quoted(to_modified_utf7(name))


def to_modified_utf7(name: str) -> bytes:
    out = bytearray()
    for foreign, plain in re.findall(r"([^\x20-\x7e]+)|([\x20-\x7e]+)", name):
        if plain:
            out += plain.replace("&", "&-").encode()
        else:
            encoded = base64.b64encode(foreign.encode("utf-16-be")).rstrip(b"=")
            out += b"&" + encoded.replace(b"/", b",") + b"-"
    return bytes(out)


def from_modified_utf7(name: bytes) -> str:
    """Decode, or leave as it stands what is not modified UTF-7."""

    def decode(found: re.Match[bytes]) -> bytes:
        if not found[1]:
            return b"&"
        padded = found[1].replace(b",", b"/") + b"=" * (-len(found[1]) % 4)
        return base64.b64decode(padded, validate=True).decode("utf-16-be").encode()

    try:
        return re.sub(rb"&([A-Za-z0-9+,]*)-", decode, name).decode()
    except ValueError:
        return name.decode("latin-1")
