"""Instants as whole numbers, so that they cost little and sort."""

from datetime import UTC, datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)


def to_seconds(instant: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    return (instant - _EPOCH) // _SECOND


def from_seconds(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def to_microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def to_zone(instant: datetime) -> int:
    """Minutes east of UTC of the zone the instant was told in."""
    offset = instant.utcoffset()
    return 0 if offset is None else offset // _MINUTE


def is_plain(instant: datetime) -> bool:
    """Whether seconds and a zone in minutes, as nearly every INTERNALDATE, say it all."""
    zone = instant.tzinfo
    return (
        type(zone) is timezone
        and not instant.microsecond
        and not zone.utcoffset(None).seconds % 60
        and 1 < instant.year < 9999
    )


def with_zone(seconds: int, minutes: int) -> datetime:
    """The instant in the zone it was told in."""
    instant = from_seconds(seconds)
    try:
        return instant.astimezone(timezone(timedelta(minutes=minutes)))
    except (OverflowError, ValueError):  # the first or last day that a calendar can name
        return instant
