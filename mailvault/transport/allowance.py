"""What one account may download, counted over all its connections.

``max_rate`` is a token bucket that holds one second's worth; ``daily_limit`` counts the
octets of a day in UTC. Both count what comes over the wire, before it is inflated.
"""

import threading
from datetime import date, datetime, time, timedelta

from mailvault.errors import AccountSuspended
from mailvault.ports import Clock

MARGIN = timedelta(minutes=1)
"""A day is over a little later, so that no clock calls us early."""

_SET_BACK = timedelta(days=1)
"""A day that is further ahead was written by a clock that was wrong, or is damage."""


class Allowance:
    """Shared by the connections of an account; every method may be called from any thread."""

    def __init__(
        self,
        clock: Clock,
        *,
        max_rate: int | None = None,
        daily_limit: int | None = None,
        spent: tuple[date, int] | None = None,
    ) -> None:
        self._clock = clock
        self._rate = max_rate
        self._limit = daily_limit
        today = clock.now().date()
        day, self._octets = spent or (today, 0)
        self._day = min(day, today + _SET_BACK)
        self._tokens = float(max_rate or 0)
        self._filled = clock.monotonic()
        self._lock = threading.Lock()

    def count(self, octets: int) -> None:
        """Note what was received, and wait as long as the rate demands."""
        with self._lock:
            self._turn_day()
            self._octets += octets
            wait = self._take(octets)
        if wait > 0:
            self._clock.sleep(wait)

    def _take(self, octets: int) -> float:
        """Take tokens, and into debt if need be; give the seconds that the debt lasts."""
        if self._rate is None:
            return 0.0
        now = self._clock.monotonic()
        gained = (now - self._filled) * self._rate
        self._tokens = min(float(self._rate), self._tokens + gained) - octets
        self._filled = now
        return max(0.0, -self._tokens / self._rate)

    @property
    def is_limited(self) -> bool:
        """Whether a day has its limit."""
        return self._limit is not None

    @property
    def is_spent(self) -> bool:
        """Whether nothing more may be asked for today."""
        with self._lock:
            self._turn_day()
            return self._limit is not None and self._octets >= self._limit

    def check(self) -> None:
        """Raises AccountSuspended when nothing more may be asked for today."""
        if self.is_spent:
            until = next_day(self._clock.now())
            raise AccountSuspended(
                f"the daily limit of {self._limit} octets is reached",
                until=until,
                hint="daily_limit in the configuration allows no more",
            )

    def spent(self) -> tuple[date, int]:
        """The present day and the octets received on it."""
        with self._lock:
            self._turn_day()
            return self._day, self._octets

    def _turn_day(self) -> None:
        today = self._clock.now().date()
        if today > self._day:  # a clock that goes back gives nothing away
            self._day, self._octets = today, 0


def next_day(now: datetime) -> datetime:
    """When the next day in UTC has begun."""
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), tzinfo=now.tzinfo)
    return midnight + MARGIN
