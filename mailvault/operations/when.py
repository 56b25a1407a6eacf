"""Reads WHEN: a run number, an ISO date or date-time, or an age such as ``3d``. Pure."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from mailvault.errors import UsageError
from mailvault.mail.model import RunNumber

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
HINT = (
    "WHEN is a run number (17), a date (2024-05-31), a time (2024-05-31T18:00) or an age (3d)"
)

INSTANT_HINT = "write a date (2024-05-31), a time (2024-05-31T18:00) or an age (3d)"


def parse_when(
    text: str,
    now: datetime,
    *,
    localise: Callable[[datetime], datetime] = datetime.astimezone,
) -> RunNumber | datetime:
    """Read a run number, or an instant in UTC.

    A date stands for the end of that day in local time, so that naming a day shows what
    that day brought. ``localise`` turns a naive local time into an aware one.

    Raises:
        UsageError: the text is none of these, or no such instant exists.
    """
    written = text.strip()
    try:
        return _age(written, now) or _instant(written, localise) or _run(written)
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is not a point in time", hint=HINT) from None


def parse_instant(
    text: str,
    now: datetime,
    *,
    localise: Callable[[datetime], datetime] = datetime.astimezone,
) -> datetime:
    """Read where a stretch of time begins or ends; a date stands for the day's beginning.

    Raises:
        UsageError: the text is neither a date, a date-time nor an age.
    """
    written = text.strip()
    try:
        instant = _age(written, now) or _instant(written, localise, at=time.min)
    except (ValueError, OverflowError):
        instant = None
    if instant is None:
        raise UsageError(f"{text!r} is not a point in time", hint=INSTANT_HINT)
    return instant


def _age(written: str, now: datetime) -> datetime | None:
    if written == "now":
        return now.astimezone(UTC)
    found = re.fullmatch(r"([0-9]{1,9})([smhdw])", written)
    if not found:
        return None
    return now.astimezone(UTC) - timedelta(**{UNITS[found[2]]: int(found[1])})


def _instant(
    written: str, localise: Callable[[datetime], datetime], *, at: time = time.max
) -> datetime | None:
    if written.isdecimal() and len(written) != len("20240531"):
        return None
    try:
        day = date.fromisoformat(written)
    except ValueError:
        if written.isdecimal():
            return None
        instant = datetime.fromisoformat(written)
    else:
        instant = datetime.combine(day, at)
    if instant.tzinfo is None and instant.date() == date.max:
        # Python 3.13 looks at the day after to find the zone, and there is none.
        return instant.replace(tzinfo=UTC)
    return (instant if instant.tzinfo else localise(instant)).astimezone(UTC)


def _run(written: str) -> RunNumber:
    if not re.fullmatch(r"[0-9]{1,9}", written) or not int(written):
        raise ValueError(written)
    return RunNumber(int(written))
