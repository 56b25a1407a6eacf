"""What is to be written, and what has to wait for the server's ``+`` first."""

from collections import deque
from collections.abc import Sequence

from mailvault.mail.model import Octets
from mailvault.protocols.imap.encoder import Piece


class Outbox:
    """Octets in the order of the wire; a piece that waits holds up all behind it."""

    def __init__(self) -> None:
        self._ready: list[Octets] = []
        self._held: deque[tuple[str, Piece]] = deque()

    def put(self, tag: str, pieces: Sequence[Piece]) -> None:
        """Add a command, or more of it."""
        self._held.extend((tag, piece) for piece in pieces)
        self._move()

    def release(self) -> bool:
        """Take a ``+``: True if a piece was waiting for it."""
        if not self._held or not self._held[0][1].waits:
            return False
        self._ready.append(self._held.popleft()[1].octets)
        self._move()
        return True

    def drop(self, tag: str) -> None:
        """The command is over: the server will not take the rest of it (RFC 9051 4.3)."""
        self._held = deque(held for held in self._held if held[0] != tag)
        self._move()

    def take(self) -> list[Octets]:
        """Take all that may be written now."""
        ready, self._ready = self._ready, []
        return ready

    def clear(self) -> None:
        self._ready.clear()
        self._held.clear()

    def _move(self) -> None:
        while self._held and not self._held[0][1].waits:
            self._ready.append(self._held.popleft()[1].octets)
