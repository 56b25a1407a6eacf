"""Places for several accounts at once: who may go on, and who has to make room."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from mailvault.errors import TimeIsUp
from mailvault.ports import Clock

SLOT = 120.0
"""Seconds an account may stay although another one waits; until one does, it may stay."""


class Line:
    """The accounts of a process that wait for a place. Any thread may call."""

    def __init__(self, clock: Clock, *, slot: float = SLOT) -> None:
        self.clock = clock
        self.slot = slot
        self._changed = threading.Condition()
        self._waiting = 0
        self._is_stopped = False

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While open, somebody waits, and who has overstayed makes room."""
        self.queue()
        try:
            yield
        finally:
            self.leave()

    def queue(self) -> None:
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()

    def leave(self) -> None:
        with self._changed:
            self._waiting -= 1

    def stop(self) -> None:
        """Everybody has to end, and nobody may begin."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    @property
    def is_stopped(self) -> bool:
        return self._is_stopped

    def check(self, deadline: float) -> None:
        """Raises TimeIsUp for an account whose slot ended at ``deadline``, if it must go."""
        if self._is_stopped:
            raise TimeIsUp("mailvault was asked to end; the next run goes on")
        if self._waiting and self.clock.monotonic() >= deadline:
            raise TimeIsUp("made room for other accounts; the next run goes on")

    def rest(self, seconds: float, deadline: float) -> None:
        """Sleep. Raises TimeIsUp as soon as the account must go."""
        end = self.clock.monotonic() + seconds
        with self._changed:
            while (left := end - self.clock.monotonic()) > 0:
                self.check(deadline)
                if self._waiting:
                    left = min(left, max(0.0, deadline - self.clock.monotonic()))
                self._changed.wait(left)
        self.check(deadline)


class Slot:
    """One account's stay. Implements `ports.Clock` for it: whoever must go sleeps no longer."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._deadline = line.clock.monotonic() + line.slot

    def begin(self) -> None:
        """The account has its place now."""
        self._deadline = self._line.clock.monotonic() + self._line.slot
        self.check()

    def check(self) -> None:
        """Raises TimeIsUp when the account must make room."""
        self._line.check(self._deadline)

    def now(self) -> datetime:
        return self._line.clock.now()

    def monotonic(self) -> float:
        return self._line.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._line.rest(seconds, self._deadline)
