"""How old mail is when the clock cannot be trusted."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail.model import RunNumber
from mailvault.operations.retention import RunTime, settled_until

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = timedelta(days=365)


def runs(*starts: datetime) -> list[RunTime]:
    """Runs of a minute each, newest first."""
    numbered = [
        RunTime(RunNumber(number), start, start + timedelta(minutes=1))
        for number, start in enumerate(starts, 1)
    ]
    return numbered[::-1]


def settled(starts: list[datetime], now: datetime, days: int) -> RunNumber | None:
    present = RunNumber(len(starts) + 1)
    return settled_until(runs(*starts), present=present, now=now, days=days)


def daily(count: int, start: datetime = NOON) -> list[datetime]:
    return [start + number * DAY for number in range(count)]


def test_mail_is_old_enough_after_its_days() -> None:
    assert settled(daily(16), NOON + 16 * DAY, 14) == 2
    assert settled(daily(14), NOON + 14 * DAY, 14) is None  # the first run ended a minute later


def test_mail_of_a_first_run_is_never_old() -> None:
    assert settled([], NOON, 1) is None
    assert settled([NOON], NOON + timedelta(hours=23), 1) is None


@pytest.mark.parametrize(
    "jump", [10 * YEAR, -YEAR, 33 * DAY], ids=["10 years", "back", "33 days"]
)
def test_a_jump_of_the_clock_makes_nothing_old(jump: timedelta) -> None:
    before = daily(3)

    assert settled(before, NOON + 3 * DAY + jump, 14) is None
    assert (
        settled([*before, *daily(3, NOON + 3 * DAY + jump)], NOON + 6 * DAY + jump, 14) is None
    )
    assert settled([*before, NOON + jump], NOON + 3 * DAY, 14) is None


def test_a_small_jump_alone_makes_nothing_old() -> None:
    assert settled(daily(2), NOON + 31 * DAY, 14) is None


def test_a_clock_that_swings_gains_nothing() -> None:
    starts = [NOON + (5 * DAY if number % 2 else 0 * DAY) for number in range(40)]

    assert settled(starts, NOON, 14) is None


def test_days_go_on_after_a_jump() -> None:
    late = NOON + 10 * YEAR

    assert settled([*daily(7), *daily(10, late)], late + 10 * DAY, 14) is not None


def test_a_killed_run_counts_from_the_next() -> None:
    starts = [(3, NOON + 12 * DAY), (2, NOON + 10 * DAY), (1, NOON)]
    times = [RunTime(RunNumber(number), start) for number, start in starts]

    assert settled_until(times, present=RunNumber(4), now=NOON + 14 * DAY, days=4) == 1


@given(
    st.lists(st.floats(0.001, 2), max_size=30),
    st.integers(0, 29),
    st.sampled_from([10 * YEAR, -YEAR, -10 * YEAR, 40 * DAY]),
    st.integers(1, 20),
)
def test_one_jump_never_makes_more_old_than_the_true_clock(
    gaps: list[float], place: int, jump: timedelta, days: int
) -> None:
    true = [NOON]
    for gap in gaps:
        true.append(true[-1] + gap * DAY)
    told = [at + (jump if number >= place else 0 * DAY) for number, at in enumerate(true)]
    *starts, now = told

    found = settled(starts, now, days)

    if found is not None:
        assert true[-1] - true[found - 1] >= days * DAY
