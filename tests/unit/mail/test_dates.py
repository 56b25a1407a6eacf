from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail.dates import parse_date

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 05 Jan 2026 12:00:00 +0000",
        "Mon, 5 Jan 2026 12:00:00 +0000",
        "5 Jan 2026 12:00 +0000",
        "mon, 5 JAN 2026 12:00:00 gmt",
        "Mon, 5 Jan 2026 12:00:00 UT",
        "Mon, 5 Jan 2026 12:00:00 Z",
        "Mon, 5 Jan 2026 14:00:00 +0200",
        "Mon, 5 Jan 2026 14:00:00 +0200 (CEST)",
        "Mon, 5 Jan 2026 14:00:00 (local (summer) time) +0200",
        "Mon,  5\tJan   2026 12 : 00 : 00 -0000",
        "Mon,5 Jan 2026 12:00:00 +0000",
        "Tue, 5 Jan 2026 12:00:00 +0000",
        "5 Jan 26 12:00:00 GMT",
        "5 Jan 2026 07:00:00 EST",
        "5 Jan 2026 08:00:00 EDT",
        "5 Jan 2026 04:00:00 PST",
        "5 Jan 2026 05:00:00 PDT",
        "5 Jan 2026 06:00:00 CST",
        "5 Jan 2026 12:00:00 A",
        "5 Jan 2026 12:00:00 XYZ",
        "5 Jan 2026 11:59:60 +0000",
        "6 Jan 2026 11:59:00 +2359",
    ],
)
def test_a_date_of_the_rfc_is_read(text: str) -> None:
    assert parse_date(text) == NOON


@pytest.mark.parametrize(
    ("year", "expected"),
    [("49", 2049), ("50", 1950), ("00", 2000), ("99", 1999), ("126", 2026)],
)
def test_a_short_year_is_of_the_rfc_s_century(year: str, expected: int) -> None:
    date = parse_date(f"5 Jan {year} 12:00:00 +0000")

    assert date is not None
    assert date.year == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thur, 1 Jan 2026 12:00:00 +0000",
        "Thursday, 1 Jan 2026 12:00:00 +0000",
        "Do, 1 Jan 2026 12:00:00 +0000",
        "1 M\u00e4r 2026 12:00:00 +0000",
        "1 Dez 2026 12:00:00 +0000",
        "1 January 2026 12:00:00 +0000",
        "Thu, 1 Jan 12:00:00 +0000",
        "Thu, 1 Jan 2026",
        "Thu, 1 Jan 2026 12:00:00",
        "Thu, 1 Jan 2026 12:00:00 +02",
        "Thu, 1 Jan 2026 12:00:00 +02:00",
        "Thu, 1 Jan 2026 12:00:00 +0275",
        "Thu, 1 Jan 2026 24:00:00 +0000",
        "Thu, 1 Jan 2026 12:60:00 +0000",
        "Thu, 1 Jan 2026 12:00:61 +0000",
        "Thu, 31 Feb 2026 12:00:00 +0000",
        "Thu, 0 Jan 2026 12:00:00 +0000",
        "Thu, 1 Jan 0026 12:00:00 +0000",
        "Thu, 1 Jan 1899 12:00:00 +0000",
        "Thu, 1 Jan 12026 12:00:00 +0000",
        "Thu Jan  1 12:00:00 2026",
        "2026-01-01T12:00:00Z",
        "Thu, 1 Jan 2026 12:00:00 +0000 and so on",
        "31 Dec 9999 23:59:59 -2359",
        "\u0661 Jan 2026 12:00:00 +0000",
        "(" * 100 + "1 Jan 2026 12:00:00 +0000",
        "1 Jan 2026 12:00:00 +0000" + " " * 1000,
    ],
)
def test_a_wrong_date_is_none_and_not_a_guess(text: str) -> None:
    assert parse_date(text) is None


@given(st.text(max_size=250))
def test_no_text_is_too_odd_for_a_date(text: str) -> None:
    parse_date(text)


@given(
    st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2099, 12, 31)),  # noqa: DTZ001  hypothesis wants naive bounds
    st.integers(-14 * 60, 14 * 60),
)
def test_every_written_date_is_read_back(when: datetime, minutes: int) -> None:
    from datetime import timedelta, timezone
    from email.utils import format_datetime

    zoned = when.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))

    assert parse_date(format_datetime(zoned)) == zoned
