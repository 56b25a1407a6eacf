"""Dates of header fields. One that RFC 5322 does not allow gives None, never a guess."""

import re
from datetime import UTC, datetime, timedelta

_MONTHS = {
    month: number
    for number, month in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}

_ZONES = {  # RFC 5322 4.3; every other word means -0000
    "edt": -4,
    "est": -5,
    "cdt": -5,
    "cst": -6,
    "mdt": -6,
    "mst": -7,
    "pdt": -7,
    "pst": -8,
}

_LONGEST = 200
_COMMENT = re.compile(r"\([^()]*\)")

# The first alternative of the zone is RFC 5322 3.3, the second the obs-zone of 4.3. An hour of
# one digit is in neither, but plain enough.
_DATE = re.compile(
    r"""\s*(?:(?:mon|tue|wed|thu|fri|sat|sun)\s*,)?
    \s*(\d{1,2})\s+(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\s+(\d{2,4})
    \s+(\d{1,2})\s*:\s*(\d{2})(?:\s*:\s*(\d{2}))?
    \s*(?:([+-])(\d{2})(\d{2})|\s([a-z]+))\s*""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


def parse_date(text: str) -> datetime | None:
    """Read a date-time of RFC 5322 3.3 or 4.3, in UTC; None if it is not one."""
    if len(text) > _LONGEST:
        return None
    match = _DATE.fullmatch(text) or _DATE.fullmatch(_without_comments(text))
    if match is None:
        return None
    day, month, year, hour, minute, second, sign, zone_hour, zone_minute, zone = match.groups()
    try:
        local = datetime(
            _full_year(year),
            _MONTHS[month.lower()],
            int(day),
            int(hour),
            int(minute),
            tzinfo=UTC,
        )
        return (
            local
            + timedelta(seconds=_second(second))
            - _offset(sign, zone_hour, zone_minute, zone)
        )
    except (ValueError, OverflowError):
        return None


def _without_comments(text: str) -> str:
    while (shorter := _COMMENT.sub(" ", text)) != text:  # comments nest
        text = shorter
    return text


def _full_year(digits: str) -> int:
    # RFC 5322 4.3: two digits up to 49 are of this century, three count from 1900.
    year = int(digits)
    if len(digits) == 2:
        return year + (2000 if year < 50 else 1900)
    if len(digits) == 3:
        return year + 1900
    if year < 1900:  # RFC 5322 3.3
        raise ValueError("before 1900")
    return year


def _second(digits: str | None) -> int:
    second = int(digits or 0)
    if second > 60:  # 60 is a leap second
        raise ValueError("no such second")
    return second


def _offset(sign: str | None, hours: str, minutes: str, word: str) -> timedelta:
    if sign is None:
        return timedelta(hours=_ZONES.get(word.lower(), 0))
    if int(minutes) > 59:  # RFC 5322 3.3
        raise ValueError("no such zone")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return -offset if sign == "-" else offset
