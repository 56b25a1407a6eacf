"""A cron line means what it means to cron, and one that never comes is refused."""

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from mailvault.schedule.rhythm import NAMES, Cron, Every, after, read_rhythm

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)

REFUSED = {
    "0 3 31 2 *": "never comes",
    "0 3 30,31 2 *": "never comes",
    "0 3 31 2,4,6,9,11 *": "never comes",
    "0 25 * * *": "bad hour",
    "60 * * * *": "bad minute",
    "0 0 0 * *": "bad day-of-month",
    "0 0 * 13 *": "bad month",
    "0 0 * * 8": "bad day-of-week",
    "0 0 * * mo": "not understood",
    "0 0 L * *": "not understood",
    "0 0 * * 1#2": "not understood",
    "*/0 * * * *": "bad minute",
    "30-10 * * * *": "bad minute",
    "* * * *": "needs minute, hour",
    "* * * * * *": "needs minute, hour",
    "@reboot": "is no time",
    "@often": "is none of @hourly",
    "often": "is no interval",
    "0m": "too often",
    "1s": "too often",
    "-5m": "is no interval",
    "1.5h": "is no interval",
}


def wall(rhythm: str, start: datetime, zone: ZoneInfo, count: int) -> list[str]:
    """The next times as the clock on the wall shows them."""
    times, at = [], start
    for _ in range(count):
        at = after(read_rhythm(rhythm), at, zone)
        times.append(f"{at.astimezone(zone):%a %d %b %H:%M %Z}")
    return times


@pytest.mark.parametrize(("written", "reason"), REFUSED.items(), ids=REFUSED.keys())
def test_what_is_no_rhythm_is_refused_with_its_reason(written: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_rhythm(written)


@pytest.mark.parametrize(("written", "seconds"), [("5s", 5), ("15m", 900), ("1d", 86400)])
def test_an_interval_is_so_many_seconds(written: str, seconds: int) -> None:
    assert read_rhythm(written) == Every(float(seconds))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stands_for_its_line(name: str) -> None:
    assert read_rhythm(name) == Cron(NAMES[name])


@pytest.mark.parametrize("sunday", ["0", "7", "sun", "SUN"])
def test_sunday_has_four_names(sunday: str) -> None:
    assert wall(f"30 2 * * {sunday}", MONDAY, BERLIN, 2) == [
        "Sun 11 Jan 02:30 CET",
        "Sun 18 Jan 02:30 CET",
    ]


def test_one_is_monday() -> None:
    assert wall("0 12 * * 1", MONDAY, BERLIN, 1) == ["Mon 05 Jan 12:00 CET"]


def test_day_of_month_or_day_of_week_is_enough_where_both_are_given() -> None:
    assert wall("0 0 13 * fri", MONDAY, BERLIN, 4) == [
        "Fri 09 Jan 00:00 CET",
        "Tue 13 Jan 00:00 CET",
        "Fri 16 Jan 00:00 CET",
        "Fri 23 Jan 00:00 CET",
    ]


def test_the_29th_of_february_comes_in_leap_years() -> None:
    at = after(read_rhythm("0 3 29 2 *"), MONDAY, BERLIN)

    assert at == datetime(2028, 2, 29, 2, tzinfo=UTC)


def test_a_time_the_spring_skips_comes_when_the_skip_is_over() -> None:
    start = datetime(2026, 3, 27, 12, tzinfo=UTC)

    assert wall("30 2 * * *", start, BERLIN, 3) == [
        "Sat 28 Mar 02:30 CET",
        "Sun 29 Mar 03:00 CEST",
        "Mon 30 Mar 02:30 CEST",
    ]


def test_a_time_the_autumn_repeats_comes_once() -> None:
    start = datetime(2026, 10, 24, 12, tzinfo=UTC)

    assert wall("30 2 * * *", start, BERLIN, 2) == [
        "Sun 25 Oct 02:30 CEST",
        "Mon 26 Oct 02:30 CET",
    ]


def test_within_the_repeated_hour_the_next_time_is_never_in_the_past() -> None:
    second_time = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 02:15 for the second time

    assert wall("30 2 * * *", second_time, BERLIN, 1) == ["Mon 26 Oct 02:30 CET"]


def test_every_hour_goes_by_the_hours_that_pass() -> None:
    start = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)

    assert wall("0 * * * *", start, BERLIN, 4) == [
        "Sun 25 Oct 02:00 CEST",
        "Sun 25 Oct 02:00 CET",
        "Sun 25 Oct 03:00 CET",
        "Sun 25 Oct 04:00 CET",
    ]


def test_an_interval_takes_no_notice_of_the_clock_on_the_wall() -> None:
    start = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)

    assert after(Every(3600.0), start, BERLIN) - start == timedelta(hours=1)


def matches(line: str, at: datetime) -> bool:
    """An independent reading of five plain fields: numbers, lists and stars."""
    minute, hour, day, month, weekday = (
        None if field == "*" else {int(each) for each in field.split(",")}
        for field in line.split()
    )
    is_day = day is None or at.day in day
    is_weekday = weekday is None or at.isoweekday() % 7 in {each % 7 for each in weekday}
    is_either = day is not None and weekday is not None
    return (
        (minute is None or at.minute in minute)
        and (hour is None or at.hour in hour)
        and (month is None or at.month in month)
        and ((is_day or is_weekday) if is_either else (is_day and is_weekday))
    )


LINES = [
    " ".join(fields)
    for fields in product(("7,52",), ("0,23",), ("*", "1,31"), ("*", "2"), ("*", "3,7"))
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_comes_at_exactly_the_minutes_it_names(line: str) -> None:
    start = datetime(2026, 1, 30, tzinfo=UTC)
    minutes = (start + timedelta(minutes=each) for each in range(1, 40 * 24 * 60))
    expected = [minute for minute in minutes if matches(line, minute)]

    found, at = [], start
    while (at := after(Cron(line), at, UTC)) < start + timedelta(days=40):
        found.append(at)

    assert found == expected
