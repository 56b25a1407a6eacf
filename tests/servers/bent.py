"""A server that answers as it should, but for one bend: what real servers do now and then.

The demonstration server is correct; here its sessions are bent. A bend sees each command
and the pieces of its answer, and returns other pieces, or raises `HangUp`.
"""

import contextlib
import re
import socket
from collections.abc import Callable, Sequence
from typing import TypeAlias

from mailvault.demo.mailbox import ServedAccount
from mailvault.demo.server import DemoServer
from mailvault.demo.session import EXTENSIONS, Session

Bend: TypeAlias = Callable[[bytes, list[bytes]], list[bytes]]
Refuse: TypeAlias = Callable[[bytes], bytes | None]
"""Sees a command before it is done, and gives the end of its refusal, or None."""


class HangUp(Exception):
    """Send these pieces, then end the connection without a word."""

    def __init__(self, pieces: Sequence[bytes] = ()) -> None:
        super().__init__("the server hangs up")
        self.pieces = list(pieces)


class BentSession(Session):
    """A correct session whose answers pass through a bend.

    What is refused is not done at all; what is withheld is not offered.
    """

    bend: Bend
    translate: Callable[[bytes], bytes]
    refuse: Refuse
    withheld: Sequence[bytes] = ()

    def _answer(self, command: bytes) -> list[bytes]:
        refusal = self.refuse(command)
        if refusal is None:
            return self.bend(command, super()._answer(self.translate(command)))
        return [command.partition(b" ")[0] + b" " + refusal + b"\r\n"]

    def _capabilities(self) -> bytes:
        offered = super()._capabilities().split(b" ")
        return b" ".join(name for name in offered if name not in self.withheld)


class BentServer(DemoServer):
    """Serves an account over bent sessions; counts the connections made to it."""

    def __init__(
        self,
        account: ServedAccount,
        bend: Bend,
        *,
        extensions: Sequence[bytes] = EXTENSIONS,
        translate: Callable[[bytes], bytes] = bytes,
        is_writable: bool = False,
        refuse: Refuse = lambda _: None,
        withheld: Sequence[bytes] = (),
    ) -> None:
        super().__init__(account, extensions=extensions, is_writable=is_writable)
        self.connections = 0
        self._refuse = refuse
        self._withheld = withheld
        self._bend = bend
        self._translate = translate

    def _serve(self, connection: socket.socket) -> None:
        self.connections += 1
        session = BentSession(
            self.account, extensions=self._extensions, is_writable=self._is_writable
        )
        session.refuse = self._refuse
        session.withheld = self._withheld
        session.commands = self.commands
        session.bend = self._bend
        session.translate = self._translate
        connection.settimeout(20)
        with connection, contextlib.suppress(OSError):
            connection.sendall(session.greeting())
            try:
                while not session.is_over and (data := connection.recv(65_536)):
                    connection.sendall(b"".join(session.receive(data)))
            except HangUp as end:
                connection.sendall(b"".join(end.pieces))
        with self._lock:
            self._connections.discard(connection)


def as_it_should(_command: bytes, answer: list[bytes]) -> list[bytes]:
    """No bend at all."""
    return answer


def is_body_fetch(command: bytes) -> bool:
    return b"UID FETCH" in command and b"BODY.PEEK[]" in command


def asks_for(command: bytes, uid: int) -> bool:
    """Whether a UID FETCH of bodies names this UID."""
    found = re.search(rb"UID FETCH ([0-9:,]+) ", command)
    if found is None or not is_body_fetch(command):
        return False
    ranges = (part.partition(b":") for part in found[1].split(b","))
    return any(int(first) <= uid <= int(last or first) for first, _, last in ranges)


def without(answer: list[bytes], uid: int) -> list[bytes]:
    """The answer without the FETCH response of one UID."""
    text = b"".join(answer)
    kept, position = [], 0
    for start, end in _responses(text):
        if re.search(rb"\bUID %d\b" % uid, text[start : text.index(b"\r\n", start)]):
            kept.append(text[position:start])
            position = end
    return [*kept, text[position:]]


def _responses(text: bytes) -> list[tuple[int, int]]:
    """Where each FETCH response starts and ends; bodies are skipped by their length."""
    spans, at = [], 0
    while (found := re.compile(rb"\* \d+ FETCH ").match(text, at)) is not None:
        end = at
        while True:
            line_end = text.index(b"\r\n", end) + 2
            literal = re.search(rb"\{(\d+)\}\r\n$", text[end:line_end])
            end = line_end + (int(literal[1]) if literal else 0)
            if literal is None:
                break
        spans.append((found.start(), end))
        at = end
    return spans
