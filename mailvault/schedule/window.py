"""The hours in which something may begin, by the clock on the wall."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

_HOURS = re.compile(r"((?:[01][0-9]|2[0-3]):[0-5][0-9])-((?:[01][0-9]|2[0-3]):[0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Window:
    """From ``opens`` until just before ``closes``, maybe over midnight."""

    opens: time
    closes: time

    def holds(self, instant: datetime, zone: tzinfo) -> bool:
        now = instant.astimezone(zone).time()
        if self.opens < self.closes:
            return self.opens <= now < self.closes
        return now >= self.opens or now < self.closes

    def first(self, instant: datetime, zone: tzinfo) -> datetime:
        """The first instant that it holds, not before ``instant``."""
        if self.holds(instant, zone):
            return instant
        openings = (
            datetime.combine(day, self.opens, tzinfo=zone).replace(fold=fold).astimezone(UTC)
            for day in _days_from(instant, zone)
            for fold in (0, 1)
        )
        # A day on which the clock leaps over the whole window has none.
        return min(each for each in openings if each > instant and self.holds(each, zone))


def _days_from(instant: datetime, zone: tzinfo) -> list[datetime]:
    today = instant.astimezone(zone).replace(tzinfo=None)
    return [today + timedelta(days=days) for days in range(4)]


def read_window(written: str) -> Window:
    """Understand ``22:00-06:00``. Raises ValueError with a phrase."""
    found = _HOURS.fullmatch(written)
    if found is None:
        raise ValueError('must be hours such as "22:00-06:00"')
    opens, closes = (time.fromisoformat(each) for each in found.groups())
    if opens == closes:
        raise ValueError("must be hours that are not empty")
    return Window(opens, closes)
