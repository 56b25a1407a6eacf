"""INTERNALDATE is read with its zone, or not at all."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.protocols.imap.dates import parse_internal_date


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"17-Jul-1996 02:44:25 -0700", datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)),
        (b" 7-Jul-1996 02:44:25 +0000", datetime(1996, 7, 7, 2, 44, 25, tzinfo=UTC)),
        (b"07-JUL-1996 02:44:25 +0000", datetime(1996, 7, 7, 2, 44, 25, tzinfo=UTC)),
        (b"7-jul-1996 02:44:25 +0545", datetime(1996, 7, 6, 20, 59, 25, tzinfo=UTC)),
    ],
)
def test_a_date_is_an_instant(octets: bytes, expected: datetime) -> None:
    assert parse_internal_date(octets) == expected


def test_a_date_keeps_its_zone() -> None:
    date = parse_internal_date(b"17-Jul-1996 02:44:25 -0730")

    assert date is not None
    assert date.tzinfo == timezone(-timedelta(hours=7, minutes=30))


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"31-Feb-2020 00:00:00 +0000",
        b"01-Mai-2020 00:00:00 +0000",
        b"01-May-2020 24:00:00 +0000",
        b"01-May-2020 00:00:00",
        b"01-May-2020 00:00:00 +2400",
        b"01-May-0000 00:00:00 +0000",
        b"01-Jan-0001 00:00:00 +1400",
        b"31-Dec-9999 23:59:59 -1200",
        b"Fri, 01 May 2020 00:00:00 +0000",
    ],
)
def test_what_is_no_date_is_none(octets: bytes) -> None:
    assert parse_internal_date(octets) is None


@given(st.binary(max_size=30))
def test_any_octets_are_a_date_or_none(octets: bytes) -> None:
    parse_internal_date(octets)


@given(
    st.datetimes(
        min_value=datetime(1900, 1, 1),  # noqa: DTZ001  (zones are drawn below)
        max_value=datetime(2200, 1, 1),  # noqa: DTZ001  (zones are drawn below)
        timezones=st.integers(-720, 840).map(lambda m: timezone(timedelta(minutes=m))),
    )
)
def test_every_date_a_server_can_write_is_read_and_converts(date: datetime) -> None:
    written = date.replace(microsecond=0)

    read = parse_internal_date(written.strftime("%d-%b-%Y %H:%M:%S %z").encode())

    assert read == written
    assert read is not None
    assert read.astimezone(UTC) == written
