"""How often something happens: every so many seconds, or by a cron line with its usual meaning.

Cron's calendar is the library's, which follows Debian's cron: day of month or day of week
where both are given, 7 is Sunday, a time that the spring skips comes as soon as it is over,
and one that the autumn repeats comes once - but hourly lines go by the hour that passes.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypeAlias

from cronsim import CronSim, CronSimError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
NAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
SHORTEST = 5
"""Seconds; an interval below would only ask the server whether it is still there."""

_FIELDS = 5
_VALUE = "(?:[0-9]{1,2}|[A-Za-z]{3})"
_ITEM = re.compile(rf"(?:\*|{_VALUE}(?:-{_VALUE})?)(?:/[0-9]{{1,2}})?")


@dataclass(frozen=True, slots=True)
class Every:
    seconds: float


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields, already checked."""

    line: str


Rhythm: TypeAlias = Every | Cron


def read_rhythm(written: str) -> Rhythm:
    """Understand ``15m``, ``30 2 * * 0`` or ``@daily``.

    Raises:
        ValueError: with a phrase that says what is wrong, or that it would never come.
    """
    if written.startswith("@"):
        return _named(written)
    if len(written.split()) == 1:
        return _every(written)
    return _cron(" ".join(written.split()))


def _named(written: str) -> Cron:
    if written == "@reboot":
        raise ValueError("is no time: the daemon syncs what is due when it starts")
    if written not in NAMES:
        raise ValueError(f"is none of {', '.join(NAMES)}")
    return Cron(NAMES[written])


def _every(written: str) -> Every:
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", written)
    if found is None:
        raise ValueError('is no interval such as "15m", "6h" or "1d"')
    seconds = int(found[1]) * UNITS[found[2]]
    if seconds < SHORTEST:
        raise ValueError(f"is too often; the shortest interval is {SHORTEST}s")
    return Every(float(seconds))


def _cron(line: str) -> Cron:
    fields = line.split()
    if len(fields) != _FIELDS:
        raise ValueError(
            "is no cron line: it needs minute, hour, day of month, month and day of week"
        )
    for field in fields:  # the library knows more ("L", "#"), which no usual cron does
        if not all(_ITEM.fullmatch(item) for item in field.split(",")):
            raise ValueError(f'is no cron line: "{field}" is not understood')
    start = datetime(2000, 1, 1, tzinfo=UTC)
    try:
        next(CronSim(line, start))
    except CronSimError as error:
        raise ValueError(_explained(line, str(error))) from None
    except StopIteration:
        raise ValueError("never comes: no month has such a day") from None
    return Cron(line)


def _explained(line: str, reason: str) -> str:
    """The library says of a day that no month has only that it is bad."""
    day = line.split()[2]
    if reason == "Bad day-of-month" and all(item in _DAYS for item in day.split(",")):
        return "never comes: no month has such a day"
    return f"is no cron line: {reason[0].lower()}{reason[1:]}"


_DAYS = frozenset(str(day) for day in range(1, 32))


def after(rhythm: Rhythm, instant: datetime, zone: tzinfo) -> datetime:
    """The first time after ``instant``, in UTC."""
    match rhythm:
        case Every(seconds):
            return instant.astimezone(UTC) + timedelta(seconds=seconds)
        case Cron(line):
            for found in CronSim(line, instant.astimezone(zone)):
                # In the repeated hour of autumn the calendar names the first one again.
                if found.astimezone(UTC) > instant:
                    return found.astimezone(UTC)
    raise AssertionError("a checked rhythm always comes again")
