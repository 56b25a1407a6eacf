"""After a no of the server, the account is left alone: how long, and who may ask anyway."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailvault.archive.standings import Standing, Standings
from mailvault.errors import (
    AccountSuspended,
    ConnectionLost,
    LoginPaused,
    LoginRefused,
    NeedsLogin,
    ServerBusy,
)
from mailvault.operations.patience import judged, pause, standing_after

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
REFUSED = LoginRefused("the server refused the login")


def test_every_refused_login_in_a_row_makes_the_pause_longer() -> None:
    standing, pauses = Standing(), []
    for _ in range(6):
        standing = standing_after(standing, REFUSED, NOON)
        assert standing.until is not None
        pauses.append((standing.until - NOON) / timedelta(minutes=1))

    assert pauses == [10, 60, 240, 720, 1440, 1440]


def test_a_pause_is_over_when_its_time_has_come() -> None:
    standing = standing_after(Standing(), REFUSED, NOON)

    error = pause(standing, NOON + timedelta(minutes=9), by_hand=False)
    assert isinstance(error, LoginPaused)
    assert error.exit_code == 11
    assert pause(standing, NOON + timedelta(minutes=10), by_hand=False) is None


def test_a_person_may_try_again_at_once() -> None:
    assert pause(standing_after(Standing(), REFUSED, NOON), NOON, by_hand=True) is None


def test_a_clock_that_went_back_does_not_lock_an_account_for_years() -> None:
    standing = standing_after(Standing(), REFUSED, NOON)

    assert pause(standing, NOON - timedelta(days=900), by_hand=False) is None


def test_a_success_forgets_every_refusal() -> None:
    standing = standing_after(Standing(), REFUSED, NOON)

    assert standing_after(standing, None, NOON) == Standing()


@pytest.mark.parametrize(
    "error",
    [ConnectionLost("gone"), NeedsLogin("sign in"), LoginPaused("later", until=NOON)],
    ids=lambda error: type(error).__name__,
)
def test_a_run_that_did_not_log_in_changes_no_pause(error: Exception) -> None:
    standing = standing_after(Standing(), REFUSED, NOON)

    assert standing_after(standing, error, NOON) == standing  # type: ignore[arg-type]  # as raised


@pytest.mark.parametrize(
    ("retry_after", "minutes"), [(None, 15), (300.0, 5), (1e9, 1440)], ids=str
)
def test_a_busy_server_suspends_for_as_long_as_it_wants(
    retry_after: float | None, minutes: int
) -> None:
    error = judged(ServerBusy("busy", retry_after=retry_after), NOON)

    assert isinstance(error, AccountSuspended)
    assert error.exit_code == 3
    assert error.until == NOON + timedelta(minutes=minutes)
    assert isinstance(
        pause(standing_after(Standing(), error, NOON), NOON, by_hand=False), AccountSuspended
    )


def test_what_is_remembered_survives_the_process(tmp_path: Path) -> None:
    standing = Standing(2, NOON, 'he said "no"', NOON.date(), 123)

    Standings(tmp_path).keep("wörk", standing)

    assert Standings(tmp_path).all() == {"wörk": standing}
    assert (tmp_path / "standings.json").stat().st_mode & 0o777 == 0o600


ROTTEN = [
    "",
    "[]",
    "{",
    "[" * 100_000,
    '{"accounts": {"a": {"until": "soon"}}}',
    '{"accounts": {"a": {"until": "2026-01-05T12:00:00"}}}',
    '{"accounts": {"a": {"until": "9999-12-31T23:59:00-14:00"}}}',
    '{"accounts": {"a": {"refusals": NaN}}}',
    '{"accounts": {"a": {"octets": 1e999}}}',
    '{"accounts": {"a": []}}',
]


@pytest.mark.parametrize("text", ROTTEN, ids=lambda text: text[:70])
def test_a_damaged_memory_is_no_memory(text: str, tmp_path: Path) -> None:
    (tmp_path / "standings.json").write_text(text)

    assert Standings(tmp_path).of("a") == Standing()

    Standings(tmp_path).keep("a", Standing(refusals=1))
    assert Standings(tmp_path).of("a").refusals == 1


def test_what_is_rotten_of_one_account_is_not_held_against_the_others(tmp_path: Path) -> None:
    text = '{"accounts": {"a": {"until": "2026-13-05"}, "b": {"refusals": 2}}}'
    (tmp_path / "standings.json").write_text(text)

    assert Standings(tmp_path).all() == {"b": Standing(refusals=2)}


@pytest.mark.parametrize("number", ["-7", "7" * 4000], ids=["negative", "huge"])
def test_a_rotten_count_of_refusals_still_makes_a_pause_that_ends(
    number: str, tmp_path: Path
) -> None:
    text = f'{{"accounts": {{"a": {{"refusals": {number}, "octets": {number}}}}}}}'
    (tmp_path / "standings.json").write_text(text)

    after = standing_after(Standings(tmp_path).of("a"), REFUSED, NOON)

    assert after.octets >= 0
    assert after.until is not None
    assert NOON < after.until <= NOON + timedelta(days=1)


def test_a_pause_until_the_year_9999_suspends_nobody(tmp_path: Path) -> None:
    text = '{"accounts": {"a": {"until": "9999-01-05T12:00:00+00:00"}}}'
    (tmp_path / "standings.json").write_text(text)

    assert pause(Standings(tmp_path).of("a"), NOON, by_hand=False) is None
