"""Time as a parameter."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time as a parameter, so that tests own it."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None: ...
