"""Clocks that stand still until a test, or somebody who sleeps, moves them."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock that only its sleepers and the test move."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return self.instant.timestamp()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.instant += timedelta(seconds=seconds)


class StandingClock:
    """A clock that only tests move, from the beginning of time."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
