from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from mailvault.errors import (
    ConnectionLost,
    LoginRefused,
    MailvaultError,
    ProtocolViolation,
    ServerBusy,
    ServerRefused,
    TlsRefused,
)
from mailvault.transport.retry import Backoff, retrying


@dataclass
class PatientClock:
    """A clock that only its sleepers move."""

    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime(2026, 1, 5, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@dataclass
class Failing:
    """Raises the errors given, one each time, and succeeds after the last."""

    errors: list[MailvaultError]
    calls: int = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def half() -> float:
    return 0.5


def test_a_lost_connection_is_tried_again_after_ever_longer_waits() -> None:
    clock, action = PatientClock(), Failing([ConnectionLost("gone")] * 3)

    result = retrying(action, clock, chance=half)

    assert result == "done"
    assert clock.slept == [1, 2, 4]


def test_the_last_failure_stands() -> None:
    clock, action = PatientClock(), Failing([ConnectionLost(f"{n}") for n in range(9)])

    with pytest.raises(ConnectionLost, match="2"):
        retrying(action, clock, Backoff(attempts=3), half)
    assert action.calls == 3


@pytest.mark.parametrize(
    "error",
    [
        LoginRefused("wrong password"),
        TlsRefused("expired"),
        ServerRefused("no"),
        ProtocolViolation("what"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_will_not_get_better_is_not_tried_again(error: MailvaultError) -> None:
    clock, action = PatientClock(), Failing([error])

    with pytest.raises(type(error)):
        retrying(action, clock)
    assert (action.calls, clock.slept) == (1, [])


def test_a_busy_server_gets_at_least_half_a_minute() -> None:
    clock, action = PatientClock(), Failing([ServerBusy("throttled")])

    retrying(action, clock, chance=lambda: 0.0)

    assert clock.slept == [30]


def test_a_server_that_names_a_wait_gets_it() -> None:
    clock, action = PatientClock(), Failing([ServerBusy("throttled", retry_after=299.9)])

    retrying(action, clock)

    assert clock.slept == [299.9]


def test_waits_differ_between_clients_and_have_an_end() -> None:
    least = list(Backoff(attempts=12).waits(lambda: 0.0))
    most = list(Backoff(attempts=12).waits(lambda: 1.0))

    assert all(low < high for low, high in zip(least, most, strict=True))
    assert max(most) == 90


def test_who_waits_long_is_told_for_what_and_short_waits_are_silent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, action = PatientClock(), Failing([ConnectionLost("nothing listens there")] * 6)

    with caplog.at_level("WARNING"):
        retrying(action, clock, Backoff(attempts=8), half)

    assert caplog.messages == [
        "nothing listens there; next attempt in 16 s",
        "nothing listens there; next attempt in 32 s",
    ]
