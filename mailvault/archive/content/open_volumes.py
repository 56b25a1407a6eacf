"""Bounds how many volumes are open at once: a system gives a process only so many files."""

import threading
from typing import Protocol

MOST = 64


class Closable(Protocol):
    def close_if_idle(self) -> bool:
        """Close, unless somebody is at it just now; say whether it is closed."""
        ...


class OpenVolumes:
    """The volumes that are connected, the oldest connection first. For all threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._open: dict[Closable, None] = {}
        self._lock = threading.Lock()

    def opened(self, volume: Closable) -> None:
        """Count a volume, and close another one if these are too many.

        One that is in use stays: then there are more for a while.
        """
        with self._lock:
            self._open[volume] = None
            others = [each for each in self._open if each is not volume]
            while len(self._open) > self._most and others:
                oldest = others.pop(0)
                if oldest.close_if_idle():
                    self._open.pop(oldest)

    def closed(self, volume: Closable) -> None:
        with self._lock:
            self._open.pop(volume, None)
