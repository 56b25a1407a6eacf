"""What is asked of a lane is done once, in order, and again if it is asked for meanwhile."""

import queue
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from mailvault.daemon.lanes import Lane, MailLane
from mailvault.daemon.pulse import Pulse
from mailvault.errors import TimeIsUp
from mailvault.operations.ended import RunEnded
from mailvault.operations.slots import Line
from mailvault.schedule.due import Job, JobKind, Timing
from mailvault.schedule.rhythm import Every
from mailvault.wiring import SystemClock

PATIENCE = 60.0
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def sync(account: str) -> Job:
    return Job(JobKind.SYNC, account, Timing(Every(3600.0)))


COPY = Job(JobKind.COPY, None, Timing(Every(3600.0)))


class Desk:
    """Work that a test does by hand: it sees what is asked for, and says how it ended."""

    def __init__(self) -> None:
        self.asked: queue.SimpleQueue[tuple[Sequence[Job], Line | None]] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[TimeIsUp | None] = queue.SimpleQueue()

    def sync(self, jobs: Sequence[Job], line: Line) -> list[RunEnded]:
        self.asked.put((jobs, line))
        error = self._answer()
        return [RunEnded(job, NOON, NOON, 0, "", error=error) for job in jobs]

    def do(self, job: Job) -> RunEnded:
        self.asked.put(([job], None))
        self._answer()
        return RunEnded(job, NOON, NOON, 0, "")

    def _answer(self) -> TimeIsUp | None:
        try:
            return self.answers.get(timeout=PATIENCE)
        except queue.Empty:  # the test ended before, and this thread with it
            return None

    def note(self, ended: RunEnded) -> bool:
        return True


class Bench:
    """A lane at work, and what it says is done."""

    def __init__(self, kind: type[Lane]) -> None:
        clock = SystemClock()
        self.desk = Desk()
        self.done: queue.SimpleQueue[RunEnded] = queue.SimpleQueue()
        pulse = Pulse(clock)
        self.lane = (
            MailLane(self.desk, pulse, self.done.put, clock, slot=0.0)
            if kind is MailLane
            else Lane(self.desk, pulse, self.done.put)
        )
        self.lane.start()

    def begun(self) -> tuple[Sequence[Job], Line | None]:
        return self.desk.asked.get(timeout=PATIENCE)

    def end(self, error: TimeIsUp | None = None) -> None:
        self.desk.answers.put(error)


@pytest.fixture
def mail() -> Bench:
    return Bench(MailLane)


def must_go(line: Line | None) -> bool:
    assert line is not None
    try:
        line.check(0.0)
    except TimeIsUp:
        return True
    return False


def test_accounts_that_are_asked_for_during_a_run_are_one_run_after_it(mail: Bench) -> None:
    mail.lane.add(sync("first"))
    mail.begun()

    for name in ("work", "home", "work"):
        mail.lane.add(sync(name))
    mail.end()

    assert mail.begun()[0] == [sync("work"), sync("home")]
    mail.end()


def test_whoever_asks_during_a_run_makes_its_accounts_leave(mail: Bench) -> None:
    mail.lane.add(sync("long"))
    _, line = mail.begun()
    assert not must_go(line)

    mail.lane.add(sync("short"))

    assert must_go(line)
    mail.end()


def test_nobody_makes_room_for_himself(mail: Bench) -> None:
    mail.lane.add(sync("busy"))
    _, line = mail.begun()

    mail.lane.add(sync("busy"))

    assert not must_go(line)
    mail.end()
    assert mail.begun()[0] == [sync("busy")]
    mail.end()


def test_who_made_room_goes_on_in_the_next_run(mail: Bench) -> None:
    mail.lane.add(sync("long"))
    mail.begun()
    mail.lane.add(sync("short"))

    mail.end(TimeIsUp("made room"))

    assert set(mail.begun()[0]) == {sync("short"), sync("long")}
    mail.end()


def test_a_copy_runs_between_two_runs_of_sync(mail: Bench) -> None:
    mail.lane.add(sync("long"))
    mail.begun()
    mail.lane.add(COPY)
    mail.lane.add(sync("short"))

    mail.end(TimeIsUp("made room"))

    assert mail.begun()[0] == [COPY]
    mail.end()
    assert set(mail.begun()[0]) == {sync("short"), sync("long")}
    mail.end()


def test_a_job_that_ended_may_be_asked_for_again_by_who_hears_of_it(mail: Bench) -> None:
    mail.lane.add(sync("work"))
    mail.begun()
    assert mail.lane.holds(sync("work"))

    mail.end()

    ended = mail.done.get(timeout=PATIENCE)
    assert not mail.lane.holds(ended.job)


@pytest.mark.parametrize("kind", [MailLane, Lane])
def test_a_stopped_lane_ends_after_what_is_under_way(kind: type[Lane]) -> None:
    bench = Bench(kind)
    bench.lane.add(COPY)
    bench.begun()
    bench.lane.add(sync("work"))

    bench.lane.stop()
    bench.end()

    assert bench.lane.join(PATIENCE)
    assert bench.desk.asked.empty()


def test_a_stopped_lane_asks_its_accounts_to_leave(mail: Bench) -> None:
    mail.lane.add(sync("long"))
    _, line = mail.begun()

    mail.lane.stop()

    assert must_go(line)
    mail.end()
    assert mail.lane.join(PATIENCE)


def test_no_thread_is_left_that_keeps_the_program_from_ending(mail: Bench) -> None:
    assert all(
        thread.daemon for thread in threading.enumerate() if thread.name in ("mail", "lane")
    )
