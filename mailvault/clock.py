"""The clocks of this machine."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `ports.Clock` with the clocks of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
