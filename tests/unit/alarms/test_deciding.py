"""Once per trouble, once when it is over: whatever happens in whatever order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.alarms.deciding import (
    Policy,
    absorb,
    delivered,
    due_letters,
    meet,
    ping_of,
    post,
    remind,
)
from mailvault.alarms.ledger import Event, Kind, Ledger
from mailvault.alarms.ledger_file import LedgerFile
from mailvault.alarms.ledger_json import understood, written
from mailvault.alarms.observing import observed
from mailvault.errors import (
    AccountSuspended,
    ArchiveLocked,
    ConnectionLost,
    LoginPaused,
    LoginRefused,
    MailvaultError,
    NeedsLogin,
    TimeIsUp,
)
from mailvault.operations.ended import RunEnded
from mailvault.operations.reports import AccountReport
from mailvault.schedule.due import Job, JobKind, Timing
from mailvault.schedule.rhythm import Every

NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
JOB = Job(JobKind.SYNC, "work", Timing(Every(900.0)))

ENDINGS: dict[str, MailvaultError | None] = {
    "ok": None,
    "network": ConnectionLost("gone"),
    "login": LoginRefused("no"),
    "paused": LoginPaused("later", until=NOW),
    "needs-login": NeedsLogin("sign in"),
    "room": TimeIsUp("room"),
    "rests": AccountSuspended("rests", until=NOW),
    "locked": ArchiveLocked("busy"),
}


def ended(how: str, at: datetime = NOW) -> RunEnded:
    if how == "suspicious":
        report = AccountReport("work", suspicion="emptied")
        return RunEnded(JOB, at, at, 3, "suspicious", report)
    if how == "unaccepted":
        return RunEnded(JOB, at, at, 0, "0 new", AccountReport("work", unaccepted=1))
    error = ENDINGS[how]
    code = error.exit_code if error else 0
    return RunEnded(JOB, at, at, code, how, AccountReport("work", error=error), error)


AT_ONCE = Policy()


def told(endings: list[str], policy: Policy = AT_ONCE) -> list[str]:
    """What is told of runs that end so, a quarter of an hour apart."""
    ledger, said = Ledger(), []
    for number, how in enumerate(endings):
        at = NOW + number * timedelta(minutes=15)
        ledger, notices = absorb(ledger, observed(ended(how, at)), policy, at)
        assert understood(written(ledger)) == ledger
        said += [f"{each.event}/{each.kind}" for each in notices]
    return said


@pytest.mark.parametrize(
    ("endings", "expected"),
    [
        ("ok", ""),
        ("network network network", "failure/network"),
        ("network ok ok", "failure/network recovery/network"),
        ("network room rests locked network", "failure/network"),
        ("room rests locked ok", ""),
        ("login paused paused ok", "failure/login recovery/login"),
        ("needs-login paused ok", "needs-login/needs-login recovery/needs-login"),
        ("paused", "failure/login"),
        (
            "network needs-login ok",
            "failure/network needs-login/needs-login recovery/needs-login",
        ),
        (
            "suspicious unaccepted network ok",
            "suspicion/suspicion failure/network recovery/network recovery/suspicion",
        ),
        ("unaccepted", "suspicion/suspicion"),
    ],
)
def test_each_trouble_is_told_once_and_so_is_its_end(endings: str, expected: str) -> None:
    assert sorted(told(endings.split())) == sorted(expected.split())


def test_a_network_that_fails_for_a_moment_is_told_to_nobody_who_is_patient() -> None:
    patient = Policy(network_patience=1800.0)

    assert told(["network", "ok", "network", "network", "ok"], patient) == []
    assert told(["network"] * 4 + ["ok"], patient) == ["failure/network", "recovery/network"]


@given(st.lists(st.sampled_from([*ENDINGS, "suspicious", "unaccepted"]), max_size=30))
def test_after_a_good_run_everything_that_was_told_is_told_to_be_over(
    endings: list[str],
) -> None:
    said = told([*endings, "ok"])
    alarms = [each for each in said if not each.startswith("recovery")]
    over = [each for each in said if each.startswith("recovery")]

    assert len(over) <= len(alarms)
    assert bool(over) == bool(alarms)
    assert told([*endings, "ok", "ok"]) == said


def after(*endings: str) -> Ledger:
    ledger = meet(Ledger(), ["work"], NOW)
    for how in endings:
        ledger, notices = absorb(ledger, observed(ended(how)), Policy(), NOW)
        ledger = post(ledger, notices, ("mail", "webhook"))
    return ledger


def test_the_trouble_of_an_account_that_is_no_more_is_dropped_quietly() -> None:
    ledger = meet(after("network"), ["home"], NOW)

    assert not ledger.troubles
    assert list(ledger.known) == ["home"]


def test_an_alarm_told_in_the_year_9999_is_told_again_all_the_same() -> None:
    ledger, ahead = after("network"), datetime(9999, 1, 1, tzinfo=UTC)
    troubles = {
        key: replace(each, since=ahead, told_at=ahead) for key, each in ledger.troubles.items()
    }
    ledger = replace(ledger, troubles=troubles, known={"work": ahead})

    ledger = meet(ledger, ["work"], NOW)

    assert ledger.known == {"work": NOW}
    _, notices = remind(ledger, Policy(remind_every=3600.0), NOW + timedelta(hours=1))
    assert [each.event for each in notices] == [Event.REMINDER]


def test_a_reminder_comes_as_often_as_asked_for() -> None:
    ledger, policy = after("network"), Policy(remind_every=3600.0)

    _, early = remind(ledger, policy, NOW + timedelta(minutes=59))
    ledger, due = remind(ledger, policy, NOW + timedelta(hours=1))
    _, again = remind(ledger, policy, NOW + timedelta(hours=1, minutes=1))

    assert [len(early), len(due), len(again)] == [0, 1, 0]
    assert due[0].event is Event.REMINDER


def test_a_channel_that_took_a_letter_is_not_asked_again_and_the_other_is() -> None:
    ledger = after("network")
    (letter,) = ledger.outbox

    ledger = delivered(ledger, letter.notice.id, ["mail"], NOW)

    _, soon = due_letters(ledger, ("mail", "webhook"), NOW)
    _, later = due_letters(ledger, ("mail", "webhook"), NOW + timedelta(minutes=1))
    assert soon == []
    assert [each.channels for each in later] == [("webhook",)]
    assert not delivered(ledger, letter.notice.id, ["webhook"], NOW).outbox


def test_letters_that_nobody_takes_are_bounded_in_number_and_in_time() -> None:
    ledger = after("network")
    (letter,) = ledger.outbox
    many = post(ledger, [replace(letter.notice, id=str(n)) for n in range(500)], ("mail",))

    assert len(many.outbox) == 100
    kept, _ = due_letters(many, ("mail",), NOW + timedelta(days=8))
    assert kept.outbox == ()


@pytest.mark.parametrize(
    ("endings", "ending"),
    [
        (["ok"], ""),
        (["network"], "fail"),
        (["suspicious", "ok"], ""),
        (["needs-login"], "fail"),
    ],
)
def test_a_ping_fails_while_anything_serious_is_wrong(endings: list[str], ending: str) -> None:
    assert ping_of(after(*endings)) == ending


def test_a_kind_is_known_for_every_exit_code_that_is_a_failure() -> None:
    for code in (1, 2, 4, 10, 11, 12, 20, 21):
        event = RunEnded(JOB, NOW, NOW, code, "")
        (seen,) = observed(event)

        assert seen.trouble is not None
        assert (seen.trouble.kind is Kind.BUG) == (code == 1)


LEDGER = written(after("network")).decode()


@pytest.mark.parametrize(
    ("sound", "rotten"),
    [
        ('"saved": 0', '"saved": 1e999'),
        ('"saved": 0', '"saved": NaN'),
        ('"attempts": 0', '"attempts": "0"'),
        ('"attempts": 0', '"attempts": null'),
        ("2026-07-15T12:00:00+00:00", "2026-07-15T12:00:00"),
        ("2026-07-15T12:00:00+00:00", "9999-12-31T23:59:00-14:00"),
        ('"kind": "network"', '"kind": "netwosk"'),
        ('"outbox": [', '"outbox": [7,'),
    ],
)
def test_a_rotten_ledger_is_no_ledger_and_stops_no_alarm(
    sound: str, rotten: str, tmp_path: Path
) -> None:
    assert sound in LEDGER
    (tmp_path / "alarms.json").write_text(LEDGER.replace(sound, rotten))

    file = LedgerFile(tmp_path, {"XDG_STATE_HOME": str(tmp_path / "state")})
    assert file.load() == Ledger()
    assert file.save(replace(after("network"), saved=1))
    assert LedgerFile(tmp_path, {"XDG_STATE_HOME": str(tmp_path / "state")}).load().troubles
