"""When a digest comes: at its times, once, whatever the clock does."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from mailvault.alarms.ledger import Ledger
from mailvault.alarms.punctuality import Punctuality, begun, due_since, punctuality_of
from mailvault.config.model import NotifySettings

BERLIN = ZoneInfo("Europe/Berlin")
BEGINNING = datetime(2026, 1, 1, 12, tzinfo=UTC)  # a Thursday
HOUR = timedelta(hours=1)
EMPTY = Ledger()


def wanted(how: str = "daily", at: tuple[int, int] = (7, 30)) -> Punctuality:
    found = punctuality_of(NotifySettings(digest=how, digest_at=at), lambda: BERLIN)
    assert found is not None
    return found


def told(
    instants: list[datetime], wanted: Punctuality, ledger: Ledger = EMPTY
) -> list[tuple[datetime, datetime]]:
    """The times that digests cover, if somebody looks at the clock at these instants."""
    found = []
    for now in instants:
        ledger = begun(ledger, wanted, now)
        since = due_since(ledger, wanted, now)
        if since is not None:
            found.append((since, now))
            ledger = Ledger(digested_at=now)
    return found


def hours(count: int, start: datetime = BEGINNING) -> list[datetime]:
    return [start + number * HOUR for number in range(count)]


@pytest.mark.parametrize(
    "start", [datetime(2026, 3, 25, 12, tzinfo=UTC), datetime(2026, 10, 21, 12, tzinfo=UTC)]
)
@pytest.mark.parametrize("at", [(7, 30), (2, 30), (3, 0), (0, 0), (23, 59)])
def test_each_day_has_one_digest_through_both_clock_changes(
    start: datetime, at: tuple[int, int]
) -> None:
    quarters = [start + number * HOUR / 4 for number in range(9 * 24 * 4)]

    digests = told(quarters, wanted(at=at))

    days = [(until - timedelta(minutes=15)).astimezone(BERLIN).date() for _, until in digests]
    assert len(set(days)) == len(days) == 9
    assert all(before[1] == after[0] for before, after in pairwise(digests))
    late = [until.astimezone(BERLIN) for _, until in digests]
    usual = [(each.hour * 60 + each.minute - at[0] * 60 - at[1]) % 1440 for each in late]
    assert sum(minutes >= 15 for minutes in usual) <= 1  # the hour that spring skips


def test_a_weekly_digest_comes_on_mondays_through_both_clock_changes() -> None:
    digests = told(hours(366 * 24), wanted("weekly"))

    local = [until.astimezone(BERLIN) for _, until in digests]
    assert {(each.isoweekday(), each.hour) for each in local} == {(1, 8)}
    assert len(digests) == 52


def test_the_first_digest_waits_for_its_time_and_covers_what_came_since() -> None:
    ((since, until), *_) = told(hours(24), wanted())

    assert since == BEGINNING
    assert until == datetime(2026, 1, 2, 7, tzinfo=UTC)


def test_a_machine_that_was_off_tells_one_digest_of_all_of_it() -> None:
    on_again = BEGINNING + timedelta(days=10)

    assert told([BEGINNING, on_again, on_again + HOUR], wanted()) == [(BEGINNING, on_again)]


@pytest.mark.parametrize("back", [timedelta(minutes=1), HOUR, timedelta(hours=20)])
def test_a_clock_that_is_set_back_brings_no_digest_again(back: timedelta) -> None:
    first = datetime(2026, 1, 2, 7, tzinfo=UTC)
    instants = [BEGINNING, first, *hours(46, first - back)]

    (_, until), (since, again) = told(instants, wanted())
    assert since == until == first
    assert timedelta() <= again - datetime(2026, 1, 3, 6, 30, tzinfo=UTC) < HOUR


def test_a_clock_that_was_years_ahead_does_not_silence_the_digest() -> None:
    ledger = Ledger(digested_at=datetime(2038, 1, 1, tzinfo=UTC))

    digests = told(hours(48), wanted(), ledger)

    assert [until.day for _, until in digests] == [2, 3]
    assert digests[0][0] == BEGINNING


def test_what_is_turned_off_and_on_again_begins_anew() -> None:
    ledger = begun(Ledger(digested_at=BEGINNING), None, BEGINNING + HOUR)
    again = BEGINNING + timedelta(days=30)

    ledger = begun(ledger, wanted(), again)

    assert ledger.digested_at == again
    assert due_since(ledger, wanted(), again) is None


def test_without_a_digest_none_is_due() -> None:
    assert punctuality_of(NotifySettings(), lambda: BERLIN) is None
    assert due_since(Ledger(digested_at=BEGINNING), None, BEGINNING + 99 * HOUR) is None
