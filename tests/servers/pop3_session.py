"""An independent POP3 reader of the tests: slow, plain, and exact to the octet.

It knows nothing of mailvault's engine. A response is read octet by octet of the wire's text,
line by CRLF line, and a leading dot is taken from lines that begin with two.
"""

import socket
from types import TracebackType
from typing import Self

from tests.servers.process import HOST


class Pop3Refused(Exception):
    """The server said -ERR."""


class Pop3Session:
    """Logged in by USER and PASS, after UTF8 where the server knows it."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._socket = socket.create_connection((HOST, port), 30)
        self._file = self._socket.makefile("rb")
        assert self._line().startswith(b"+OK")
        try:
            self.capabilities = self._listing("CAPA")
        except Pop3Refused:
            self.capabilities = []
        if any(line.upper().startswith(b"UTF8") for line in self.capabilities):
            self.run("UTF8")
        self.run(f"USER {user}")
        self.run(f"PASS {password}")

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
                self.run("QUIT")
        finally:
            self._file.close()
            self._socket.close()

    def run(self, command: str) -> bytes:
        self._socket.sendall(command.encode() + b"\r\n")
        line = self._line()
        if not line.startswith(b"+OK"):
            raise Pop3Refused(line.decode(errors="replace"))
        return line

    def uidls(self) -> dict[int, str]:
        pairs = (line.split() for line in self._listing("UIDL"))
        return {int(number): uidl.decode() for number, uidl in pairs}

    def retrieve(self, number: int) -> bytes:
        self.run(f"RETR {number}")
        return self._octets()

    def messages(self) -> dict[str, bytes]:
        """Every message by its unique-id."""
        return {uidl: self.retrieve(number) for number, uidl in self.uidls().items()}

    def _listing(self, command: str) -> list[bytes]:
        self.run(command)
        return self._octets().split(b"\r\n")[:-1]

    def _octets(self) -> bytes:
        lines: list[bytes] = []
        while (line := self._line()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def _line(self) -> bytes:
        """A line with its CRLF; a bare LF does not end it."""
        line = b""
        while not line.endswith(b"\r\n"):
            piece = self._file.readline()
            if not piece:
                raise EOFError(line)
            line += piece
        return line
