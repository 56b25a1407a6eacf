"""What is to be written, and what has to wait for the server's ``+`` first."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple


class _Piece(NamedTuple):
    tag: str
    octets: bytes
    waits: bool


class Outbox:
    """Octets in the order of the wire; a piece that waits holds up all behind it."""

    def __init__(self) -> None:
        self._ready: list[bytes] = []
        self._held: deque[_Piece] = deque()

    def put(self, tag: str, pieces: Sequence[bytes]) -> None:
        """Add a command: every piece but the first waits for a ``+``."""
        for index, octets in enumerate(pieces):
            self._held.append(_Piece(tag, octets, waits=index > 0))
        self._move()

    def put_waiting(self, tag: str, octets: bytes) -> None:
        self._held.append(_Piece(tag, octets, waits=True))

    def release(self) -> bool:
        """Take a ``+``: True if a piece was waiting for it."""
        if not self._held or not self._held[0].waits:
            return False
        self._ready.append(self._held.popleft().octets)
        self._move()
        return True

    def drop(self, tag: str) -> None:
        """The command is over: the server will not take the rest of it (RFC 9051 4.3)."""
        self._held = deque(piece for piece in self._held if piece.tag != tag)
        self._move()

    def take(self) -> bytes:
        """Take all that may be written now."""
        ready, self._ready = b"".join(self._ready), []
        return ready

    def clear(self) -> None:
        self._ready.clear()
        self._held.clear()

    def _move(self) -> None:
        while self._held and not self._held[0].waits:
            self._ready.append(self._held.popleft().octets)
