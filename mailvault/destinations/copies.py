"""Telling the copies of one message apart, in this export and between this and the last."""

from collections.abc import Callable, Collection


class Copies:
    """Hands out the names of a mailbox's messages; the first copy has the plain one.

    ``is_resumed`` says that the names which are taken are those of an earlier export, so
    that the message which would get one is there already.
    """

    def __init__(self, taken: Collection[str], *, is_resumed: bool) -> None:
        self._taken = taken
        self._is_resumed = is_resumed
        self._counts: dict[str, int] = {}

    def name(self, numbered: Callable[[int], str]) -> str | None:
        """The name of the next copy, of which ``numbered`` makes one; None if it is there."""
        plain = numbered(1)
        while True:
            number = self._counts[plain] = self._counts.get(plain, 0) + 1
            name = numbered(number)
            if name not in self._taken:
                return name
            if self._is_resumed:
                return None
