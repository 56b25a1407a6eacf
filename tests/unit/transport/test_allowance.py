"""`max_rate` and `daily_limit` are kept to the octet, by a clock that only the test moves."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mailvault.errors import AccountSuspended, ConnectionLost, LoginRefused, ServerBusy
from mailvault.transport.allowance import Allowance
from mailvault.transport.login_gate import LoginGate
from mailvault.transport.retry import waiting_out
from tests.clocks import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 1, 5, 23, 50, tzinfo=UTC))


def test_a_rate_is_kept_over_any_pieces(clock: FakeClock) -> None:
    allowance = Allowance(clock, max_rate=1000)
    for octets in (1000, 500, 1, 2499):
        allowance.count(octets)

    assert sum(clock.slept) == pytest.approx(3.0)  # the first second's worth is there at once


def test_time_that_passed_is_not_waited_for_again(clock: FakeClock) -> None:
    allowance = Allowance(clock, max_rate=1000)
    allowance.count(1000)
    clock.instant += timedelta(seconds=60)
    allowance.count(1000)

    assert clock.slept == []

    allowance.count(1)
    assert clock.slept == [pytest.approx(0.001)]  # a minute saves up one second's worth


def test_a_daily_limit_ends_the_day_and_not_the_next(clock: FakeClock) -> None:
    allowance = Allowance(clock, daily_limit=100)
    allowance.count(99)
    allowance.check()
    allowance.count(1)

    with pytest.raises(AccountSuspended) as caught:
        allowance.check()
    assert caught.value.until == datetime(2026, 1, 6, 0, 1, tzinfo=UTC)

    clock.instant = caught.value.until
    allowance.check()


def test_octets_of_earlier_runs_of_the_day_count(clock: FakeClock) -> None:
    today = clock.now().date()

    assert Allowance(clock, daily_limit=100, spent=(today, 100)).is_spent
    yesterday = today - timedelta(days=1)
    assert not Allowance(clock, daily_limit=100, spent=(yesterday, 100)).is_spent


def test_a_day_of_a_year_far_ahead_does_not_suspend_an_account_for_centuries(
    clock: FakeClock,
) -> None:
    allowance = Allowance(clock, daily_limit=100, spent=(date(6026, 1, 5), 100))
    assert allowance.is_spent

    clock.instant += timedelta(days=2)

    assert not allowance.is_spent


def test_nobody_knocks_twice_after_a_refused_login() -> None:
    knocks = []

    def connect() -> None:
        knocks.append(1)
        raise LoginRefused("no")

    gate = LoginGate(connect)
    for _ in range(3):
        with pytest.raises(LoginRefused):
            gate()

    assert len(knocks) == 1


def test_a_lost_connection_does_not_close_the_gate() -> None:
    results = iter([ConnectionLost("gone"), None])

    def connect() -> str:
        if (error := next(results)) is not None:
            raise error
        return "client"

    gate = LoginGate(connect)
    with pytest.raises(ConnectionLost):
        gate()

    assert gate() == "client"


@pytest.mark.parametrize(
    ("waits", "slept"),
    [([10.0, 20.0], [10.0, 20.0]), ([None, None, None], [20.0] * 3), ([0.0], [1.0])],
    ids=["named", "unnamed", "zero"],
)
def test_a_short_rest_is_waited_out(
    waits: list[float | None], slept: list[float], clock: FakeClock
) -> None:
    errors = iter([ServerBusy("busy", retry_after=wait) for wait in waits])

    def action() -> str:
        for error in errors:
            raise error
        return "done"

    assert waiting_out(action, clock) == "done"
    assert clock.slept == slept


@pytest.mark.parametrize("waits", [[61.0], [40.0, 21.0]], ids=["at once", "in sum"])
def test_a_rest_longer_than_a_minute_is_not_begun(waits: list[float], clock: FakeClock) -> None:
    errors = iter([ServerBusy("busy", retry_after=wait) for wait in waits])

    def action() -> None:
        raise next(errors)

    with pytest.raises(ServerBusy):
        waiting_out(action, clock)
    assert clock.slept == waits[:-1]
