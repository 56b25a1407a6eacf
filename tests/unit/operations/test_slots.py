"""An account may stay as long as nobody waits for its place, and makes room at once if not."""

import threading
from contextlib import suppress

import pytest

from mailvault.errors import TimeIsUp
from mailvault.operations.slots import Line, Slot
from mailvault.wiring import SystemClock
from tests.clocks import StandingClock


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


def test_who_is_alone_may_stay(clock: StandingClock) -> None:
    slot = Slot(Line(clock, slot=10.0))
    slot.begin()

    clock.seconds = 1e6

    slot.check()


def test_who_overstays_makes_room_for_one_who_waits(clock: StandingClock) -> None:
    line = Line(clock, slot=10.0)
    slot = Slot(line)
    slot.begin()
    with line.waiting():
        clock.seconds = 9.9
        slot.check()
        clock.seconds = 10.0
        with pytest.raises(TimeIsUp, match="made room"):
            slot.check()

    slot.check()


def test_a_slot_begins_when_the_account_does(clock: StandingClock) -> None:
    line = Line(clock, slot=10.0)
    slot = Slot(line)
    clock.seconds = 100.0

    with line.waiting():
        slot.begin()
        slot.check()


def test_nobody_begins_after_the_line_was_stopped(clock: StandingClock) -> None:
    line = Line(clock)
    line.stop()

    with pytest.raises(TimeIsUp, match="asked to end"):
        Slot(line).begin()


def test_a_long_sleep_ends_when_the_line_is_stopped() -> None:
    line = Line(SystemClock())
    slot = Slot(line)
    threading.Timer(0.05, line.stop).start()

    with pytest.raises(TimeIsUp):
        slot.sleep(3600.0)


def test_a_long_sleep_ends_when_somebody_waits_who_may_have_the_place() -> None:
    line = Line(SystemClock(), slot=0.0)
    slot = Slot(line)
    threading.Timer(0.05, line.queue).start()

    with pytest.raises(TimeIsUp):
        slot.sleep(3600.0)


def test_a_sleep_that_nobody_disturbs_is_as_long_as_it_is_asked_for() -> None:
    slot = Slot(Line(SystemClock()))
    began = slot.monotonic()

    with suppress(TimeIsUp):
        slot.sleep(0.05)

    assert slot.monotonic() - began >= 0.05
