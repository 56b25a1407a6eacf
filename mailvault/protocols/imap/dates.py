"""INTERNALDATE, as servers write it: ``"17-Jul-1996 02:44:25 -0700"`` (RFC 9051 date-time)."""

import re
from datetime import datetime, timedelta, timezone

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
# Padded with a blank, with a zero or not at all; some servers leave the zone to be guessed,
# and a guess is no date.
_DATE = re.compile(
    rb" ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"
)
_zones: dict[tuple[bytes, bytes, bytes], timezone] = {}


def parse_internal_date(octets: bytes) -> datetime | None:
    """Read a date-time and keep its zone; None if it is not a valid one."""
    match = _DATE.fullmatch(octets)
    if match is None:
        return None
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    if not b"0001" < year < b"9999":
        return None  # could not be converted to another zone
    try:
        return datetime(
            int(year),
            _MONTHS.index(month.decode().lower()) // 4 + 1,
            int(day),
            int(hour),
            int(minute),
            int(second),
            tzinfo=_zone(sign, zone_hours, zone_minutes),
        )
    except ValueError:
        return None


def format_internal_date(instant: datetime) -> bytes:
    """Write a date-time in its own zone, to the minute of which IMAP can speak."""
    offset = instant.utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    local = instant.astimezone(timezone(timedelta(minutes=minutes)))
    month = _MONTHS.split()[local.month - 1].title()
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
    return f"{local.day:02}-{month}-{local.year:04} {local:%H:%M:%S} {zone}".encode("ascii")


def _zone(sign: bytes, hours: bytes, minutes: bytes) -> timezone:
    key = (sign, hours, minutes)
    zone = _zones.get(key)  # bounded: there are fewer than 5,760 valid zones
    if zone is None:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        zone = _zones[key] = timezone(-offset if sign == b"-" else offset)
    return zone
