"""What is due follows from the facts and the present alone, whatever the clock went through."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest

from mailvault.schedule.due import AGAIN, Almanac, Facts, Job, JobKind, Last, Timing
from mailvault.schedule.rhythm import read_rhythm
from mailvault.schedule.window import read_window

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YEAR = datetime(2026, 1, 1, 10, tzinfo=UTC)
ALMANAC = Almanac(BERLIN, "an archive")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def job(written: str, *, jitter: float = 0.0, window: str | None = None) -> Job:
    timing = Timing(
        read_rhythm(written), jitter, None if window is None else read_window(window)
    )
    return Job(JobKind.SYNC, "work", timing, written)


def done(at: datetime, *, ok: bool = True) -> Facts:
    return Facts(Last(at, at + MINUTE, ok))


@dataclass
class Machine:
    """A machine that looks every so often whether its job is due, and does it."""

    job: Job
    now: datetime
    facts: Facts = field(default_factory=Facts)
    starts: list[datetime] = field(default_factory=list)

    def live(self, span: timedelta, *, step: timedelta = 5 * MINUTE) -> None:
        end = self.now + span
        while self.now < end:
            if ALMANAC.is_due(self.job, self.facts, self.now):
                self.starts.append(self.now)
                self.facts = done(self.now)
            self.now += step

    def leap(self, span: timedelta) -> None:
        """The machine is suspended, or somebody sets its clock."""
        self.now += span

    def walls(self) -> list[str]:
        return [f"{at.astimezone(BERLIN):%Y-%m-%d %H:%M}" for at in self.starts]


def test_what_was_never_done_is_due_at_once() -> None:
    assert ALMANAC.is_due(job("30 2 * * *"), Facts(), NEW_YEAR)


def test_what_may_wait_for_its_first_time_counts_from_the_beginning() -> None:
    weekly = job("@weekly")

    assert ALMANAC.next_start(weekly, Facts(since=NEW_YEAR), NEW_YEAR) == datetime(
        2026, 1, 3, 23, tzinfo=UTC
    )


def test_two_years_of_nights_are_one_start_a_day() -> None:
    machine = Machine(job("30 2 * * *"), NEW_YEAR, done(NEW_YEAR - HOUR))

    machine.live(timedelta(days=730), step=30 * MINUTE)

    days = [wall[:10] for wall in machine.walls()]
    assert len(days) == len(set(days)) == 730
    times = {wall[11:] for wall in machine.walls()}
    assert times == {"02:30", "03:00"}  # 03:00 on the two days without a 02:30
    assert [wall for wall in machine.walls() if wall.endswith("03:00")] == [
        "2026-03-29 03:00",
        "2027-03-28 03:00",
    ]


def test_two_years_of_intervals_are_never_closer_nor_farther_than_they_say() -> None:
    machine = Machine(job("6h"), NEW_YEAR, done(NEW_YEAR))

    machine.live(timedelta(days=730), step=30 * MINUTE)

    gaps = {later - at for at, later in pairwise(machine.starts)}
    assert gaps == {6 * HOUR}


def test_a_missed_night_is_caught_up_once() -> None:
    machine = Machine(job("30 2 * * *"), NEW_YEAR, done(NEW_YEAR))

    machine.live(timedelta(hours=12))
    machine.leap(timedelta(days=3))  # switched off over three nights
    woken = machine.now
    machine.live(timedelta(days=1))

    assert machine.starts[0] == woken
    assert machine.walls()[1:] == ["2026-01-05 02:30"]


@pytest.mark.parametrize("written", ["5s", "15m", "*/5 * * * *", "@daily"])
def test_years_of_sleep_are_made_up_for_by_one_start(written: str) -> None:
    machine = Machine(job(written), NEW_YEAR + timedelta(days=3650), done(NEW_YEAR))

    machine.live(MINUTE, step=MINUTE)

    assert len(machine.starts) == 1


@pytest.mark.parametrize("years", [-50, -1, 10])
def test_a_clock_that_was_wrong_for_a_while_stops_nothing(years: int) -> None:
    machine = Machine(job("30 2 * * *"), NEW_YEAR, done(NEW_YEAR - HOUR))

    machine.live(timedelta(days=2))
    machine.leap(timedelta(days=365 * years))
    machine.live(timedelta(days=2))
    machine.leap(timedelta(days=-365 * years))
    before = len(machine.starts)
    machine.live(timedelta(days=3))

    assert len(machine.starts) - before in (3, 4)  # each night, and once to be safe


def test_a_clock_set_back_by_an_hour_brings_no_second_start() -> None:
    nightly = job("30 2 * * *")
    at = datetime(2026, 1, 2, 1, 30, tzinfo=UTC)  # 02:30

    assert not ALMANAC.is_due(nightly, done(at), at + 10 * MINUTE)
    assert not ALMANAC.is_due(nightly, done(at), at - timedelta(seconds=30))


def test_what_failed_is_tried_again_before_its_next_turn() -> None:
    nightly, at = job("30 2 * * *"), datetime(2026, 1, 2, 1, 30, tzinfo=UTC)

    again = ALMANAC.next_start(nightly, done(at, ok=False), at + 2 * MINUTE)

    assert again == at + MINUTE + AGAIN


def test_what_failed_and_comes_soon_anyway_is_not_tried_sooner() -> None:
    often = job("15m")

    again = ALMANAC.next_start(often, done(NEW_YEAR, ok=False), NEW_YEAR + 2 * MINUTE)

    assert again == NEW_YEAR + 15 * MINUTE


def test_a_server_that_asked_for_a_pause_gets_it() -> None:
    facts = replace(done(NEW_YEAR), not_before=NEW_YEAR + 3 * HOUR)

    assert ALMANAC.next_start(job("15m"), facts, NEW_YEAR) == NEW_YEAR + 3 * HOUR


WINDOWS = ["22:00-06:00", "02:00-03:00", "02:30-02:45", "09:00-17:00", "00:00-00:30"]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("written", ["90m", "7h", "30 2 * * *", "0 12 * * *"])
def test_over_two_years_nothing_starts_outside_its_window(written: str, window: str) -> None:
    within = job(written, window=window, jitter=600.0)
    coming = ALMANAC.coming(within, done(NEW_YEAR), NEW_YEAR)
    end = NEW_YEAR + timedelta(days=730)

    starts = list(takewhile(lambda at: at < end, coming))

    held = read_window(window)
    assert all(held.holds(at, BERLIN) for at in starts)
    assert all(at < later for at, later in pairwise(starts))
    nights = {at.astimezone(BERLIN).date() for at in starts}
    assert len(nights) >= 728 or written == "7h"  # no day is left out for ever


def test_what_becomes_due_outside_its_window_waits_for_the_window() -> None:
    noon = job("0 12 * * *", window="22:00-06:00")

    assert [
        f"{at.astimezone(BERLIN):%d %H:%M}"
        for at in islice(ALMANAC.coming(noon, done(NEW_YEAR), NEW_YEAR), 2)
    ] == ["01 22:00", "02 22:00"]


def test_a_missed_night_waits_for_the_window_too() -> None:
    nightly = job("30 2 * * *", window="22:00-06:00")
    morning = NEW_YEAR + timedelta(days=1)

    start = ALMANAC.next_start(nightly, done(NEW_YEAR), morning)

    assert f"{start.astimezone(BERLIN):%d %H:%M}" == "02 22:00"


def test_chance_is_the_same_for_everybody_who_asks_and_different_for_each_job() -> None:
    jittered = job("@hourly", jitter=1800.0)
    facts = done(NEW_YEAR)

    def minutes(almanac: Almanac, of: Job) -> list[int]:
        return [at.minute for at in islice(almanac.coming(of, facts, NEW_YEAR), 24)]

    first = minutes(ALMANAC, jittered)
    assert first == minutes(ALMANAC, jittered)
    assert all(minute <= 30 for minute in first)
    assert len(set(first)) > 5
    assert first != minutes(ALMANAC, replace(jittered, account="home"))
    assert first != minutes(Almanac(BERLIN, "another archive"), jittered)


def test_before_its_delay_is_over_a_job_is_not_due() -> None:
    jittered = job("30 2 * * *", jitter=3600.0)
    start = ALMANAC.next_start(jittered, done(NEW_YEAR), NEW_YEAR)
    slot = datetime(2026, 1, 2, 1, 30, tzinfo=UTC)

    assert slot < start <= slot + HOUR
    assert not ALMANAC.is_due(jittered, done(NEW_YEAR), slot + timedelta(seconds=1))
    assert ALMANAC.is_due(jittered, done(NEW_YEAR), start)


@pytest.mark.parametrize("change", ["2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31"])
@pytest.mark.parametrize("written", ["15m", "*/15 * * * *", "30 2 * * *", "0 * * * *"])
def test_around_a_change_of_the_clock_daemon_and_cron_find_the_same_starts(
    written: str, change: str
) -> None:
    eve = datetime.fromisoformat(f"{change}T18:00Z") - timedelta(days=2)
    coming = ALMANAC.coming(job(written), done(eve), eve)
    planned = list(takewhile(lambda at: at < eve + timedelta(days=3), coming))

    machine = Machine(job(written), eve, done(eve))
    machine.live(timedelta(days=3), step=MINUTE)

    assert machine.starts == planned
