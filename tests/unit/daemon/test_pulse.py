"""Work that gets on is alive; work that does not is stuck; no work is neither."""

import pytest

from mailvault.daemon.pulse import Pulse
from mailvault.mail.model import MailboxName
from tests.clocks import StandingClock


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


def test_no_work_is_never_stuck(clock: StandingClock) -> None:
    pulse = Pulse(clock, stall=60.0)

    clock.seconds = 1e9

    assert not pulse.is_stuck


def test_work_without_progress_is_stuck_after_a_while(clock: StandingClock) -> None:
    pulse = Pulse(clock, stall=60.0)
    pulse.begin()

    def is_stuck_at(seconds: float) -> bool:
        clock.seconds = seconds
        return pulse.is_stuck

    assert not is_stuck_at(60.0)
    assert is_stuck_at(60.1)

    pulse.end()
    assert not is_stuck_at(60.1)


@pytest.mark.parametrize("sign", ["expect", "mailbox", "stored", "done"])
def test_every_progress_is_a_sign_of_life(clock: StandingClock, sign: str) -> None:
    pulse = Pulse(clock, stall=60.0)
    pulse.begin()
    clock.seconds = 59.0
    inbox = MailboxName(("INBOX",))

    match sign:
        case "expect":
            pulse.expect(1)
        case "mailbox":
            pulse.mailbox("work", inbox, None)
        case "stored":
            pulse.stored(1, 1)
        case _:
            pulse.done("work", inbox)

    clock.seconds = 118.0
    assert not pulse.is_stuck
