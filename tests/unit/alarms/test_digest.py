"""What a digest says, how it is kept, and that it goes out once."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailvault.alarms import deciding
from mailvault.alarms.alarms import Alarms, Sight
from mailvault.alarms.ledger import Event, Kind, Ledger, OpenTrouble
from mailvault.alarms.ledger_file import LedgerFile
from mailvault.alarms.ledger_json import understood, written
from mailvault.alarms.wording import Place, as_json, text, title
from mailvault.config.load import parse
from mailvault.config.model import Configuration
from mailvault.operations.ended import Topic, TroubleOver
from mailvault.operations.roundup import AccountRoundup, JobRoundup, Roundup
from tests.clocks import FakeClock
from tests.servers.webhook import Listener

SINCE = datetime(2026, 3, 1, 8, tzinfo=UTC)
UNTIL = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAY = timedelta(days=1)
EMPTY = Ledger()
PLACE = Place("vm", "/srv/mail")
WORK = AccountRoundup("work", 95, 1, 34, 5 << 20, 0, 0, UNTIL - timedelta(minutes=5))
VERIFIED = JobRoundup("verify", None, SINCE - DAY, 0)
WELL = Roundup(SINCE, UNTIL, (WORK,), (VERIFIED,), 3 << 30)


def digest(roundup: Roundup, ledger: Ledger = EMPTY) -> Ledger:
    return deciding.digest(ledger, roundup, ("mail",), UNTIL)


def shown(roundup: Roundup) -> str:
    (letter,) = digest(roundup).outbox
    return title(letter.notice, PLACE) + "\n" + text(letter.notice, PLACE)


def test_one_line_on_top_says_that_all_is_well() -> None:
    subject, first, *rest = shown(WELL).splitlines()

    assert subject == "[mailvault] vm: digest: all is well"
    assert first == "all is well"
    assert "from 2026-03-01 08:00 UTC to 2026-03-02 08:00 UTC" in rest
    assert "  runs          95 well, 1 failed" in rest
    assert "  new messages  34 (5.0 MiB)" in rest
    assert "  last success  2026-03-02 07:55 UTC" in rest
    assert "last verify: well, 2026-02-28 08:00 UTC" in rest
    assert "stored: 3.0 GiB" in rest


WRONG: dict[str, tuple[Roundup, str]] = {
    "login": (replace(WELL, accounts=(replace(WORK, needs_login=True),)), "work: needs login"),
    "failing": (
        replace(WELL, accounts=(replace(WORK, is_failing=True),)),
        "work: its last run failed",
    ),
    "overdue": (replace(WELL, accounts=(replace(WORK, is_overdue=True),)), "work: overdue"),
    "never": (
        replace(WELL, accounts=(replace(WORK, is_overdue=True, last_success=None),)),
        "work: never had a success",
    ),
    "suspicions": (
        replace(WELL, accounts=(replace(WORK, suspicions=2),)),
        "work: 2 suspicious",
    ),
    "debts": (replace(WELL, accounts=(replace(WORK, debts=3),)), "work: 3 owed"),
    "verify": (
        replace(WELL, jobs=(replace(VERIFIED, exit_code=4),)),
        "verify: ended with exit code 4",
    ),
    "archive": (
        Roundup(SINCE, UNTIL, error="/srv/mail is no archive"),
        "the archive cannot be read: /srv/mail is no archive",
    ),
}


@pytest.mark.parametrize(("roundup", "words"), WRONG.values(), ids=WRONG)
def test_what_needs_attention_stands_on_top(roundup: Roundup, words: str) -> None:
    subject, first, second, *_ = shown(roundup).splitlines()

    assert subject.endswith("digest: 1 thing needs attention")
    assert (first, second) == ("1 thing needs attention", f"- {words}")


def test_a_trouble_of_no_account_and_no_job_needs_attention() -> None:
    trouble = OpenTrouble("configuration", Kind.CONFIGURATION, SINCE, "it is refused")

    (letter,) = digest(WELL, Ledger(troubles={"configuration": trouble})).outbox

    assert letter.notice.roundup is not None
    assert letter.notice.roundup.attention() == ["it is refused"]


def test_the_json_holds_the_numbers() -> None:
    (letter,) = digest(WELL).outbox

    told = json.loads(as_json(letter.notice, PLACE))

    assert (told["schema"], told["event"], told["summary"]) == (1, "digest", "all is well")
    assert told["digest"] == {
        "since": "2026-03-01T08:00:00Z",
        "until": "2026-03-02T08:00:00Z",
        "attention": [],
        "error": None,
        "stored_octets": 3 << 30,
        "accounts": [
            {
                "account": "work", "runs_well": 95, "runs_failed": 1, "messages": 34,
                "octets": 5 << 20, "debts": 0, "suspicions": 0, "needs_login": False,
                "failing": False, "overdue": False, "last_success": "2026-03-02T07:55:00Z",
            }
        ],
        "jobs": [
            {"job": "verify", "account": None, "finished": "2026-02-28T08:00:00Z",
             "exit_code": 0},
        ],
    }  # fmt: skip


@pytest.mark.parametrize("roundup", [WELL, WRONG["never"][0], WRONG["archive"][0]])
def test_a_digest_that_nobody_took_is_kept_as_it_is(roundup: Roundup) -> None:
    trouble = OpenTrouble("configuration", Kind.CONFIGURATION, SINCE, "it is refused")
    ledger = digest(roundup, Ledger(troubles={"configuration": trouble}))

    assert understood(written(ledger)) == ledger
    assert ledger.digested_at == UNTIL


def test_a_ledger_of_an_earlier_release_is_read() -> None:
    old = b'{"schema": 1, "saved": 7, "known": {}, "troubles": {}, "outbox": []}'

    assert understood(old) == Ledger(saved=7)


def test_a_digest_is_no_trouble_to_a_ping() -> None:
    assert deciding.ping_of(digest(WRONG["never"][0])) == ""


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def configured(folder: Path, listener: Listener) -> Configuration:
    (folder / "archive").mkdir(exist_ok=True)
    lines = (
        '[archive]\npath = "archive"\n[notify]\ndigest = "daily"\ndigest_at = "07:30"\n'
        f'webhook_url = "{listener.url}"\nping_url = "{listener.url}"\n'
    )
    return parse(lines.encode(), folder / "mailvault.toml", is_private=True)


def survey(_: Configuration, since: datetime, until: datetime) -> Roundup:
    return replace(WELL, since=since, until=until)


SIGHT = Sight(lambda *_: [], survey, lambda: UTC)


def command(configuration: Configuration, now: datetime) -> None:
    """What the alarms of a command do, from its begin to its end."""
    alarms = Alarms(configuration, SIGHT, clock=FakeClock(now))
    alarms.hear(TroubleOver(now, Topic.PLANNING))
    alarms.close(60.0)


def test_commands_send_one_digest_a_day_and_none_by_ping(
    tmp_path: Path, listener: Listener
) -> None:
    configuration = configured(tmp_path, listener)

    for hour in range(0, 72, 5):
        command(configuration, SINCE + timedelta(hours=hour))

    told = [each["digest"]["until"] for each in listener.posted()]
    assert (
        told
        == ["2026-03-02T09:00:00Z", "2026-03-03T10:00:00Z", "2026-03-04T08:00:00Z"][: len(told)]
    )
    assert len(told) == 2
    assert listener.called() == []


def test_many_processes_at_once_send_it_once(tmp_path: Path, listener: Listener) -> None:
    configuration = configured(tmp_path, listener)
    command(configuration, SINCE)

    with ThreadPoolExecutor(8) as crew:
        list(crew.map(lambda _: command(configuration, UNTIL), range(8)))

    assert [each["event"] for each in listener.posted()] == [Event.DIGEST]


def test_a_digest_that_nobody_took_is_sent_by_the_next_command(
    tmp_path: Path, listener: Listener
) -> None:
    configuration = configured(tmp_path, listener)
    command(configuration, SINCE)
    listener.status = 503
    command(configuration, UNTIL)
    listener.heard.clear()
    listener.status = 200

    command(configuration, UNTIL + timedelta(hours=2))

    (told,) = listener.posted()
    assert told["digest"]["until"] == "2026-03-02T08:00:00Z"


def test_a_digest_that_cannot_be_remembered_is_not_sent_by_each_command(
    tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = configured(tmp_path, listener)
    command(configuration, SINCE)
    (configuration.archive.path / "alarms.json.new").mkdir()  # nothing can be written here,
    (tmp_path / "file").touch()  # and nothing there
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))

    command(configuration, UNTIL)
    assert listener.posted() == []
    (configuration.archive.path / "alarms.json.new").rmdir()
    command(configuration, UNTIL)

    assert len(listener.posted()) == 1


def test_a_survey_that_fails_costs_no_alarm(tmp_path: Path, listener: Listener) -> None:
    configuration = configured(tmp_path, listener)
    command(configuration, SINCE)
    file = LedgerFile(configuration.archive.path, {})
    ledger = file.load()
    trouble = OpenTrouble("planning", Kind.PLANNING, SINCE, "broken", owes_recovery=True)
    file.save(replace(ledger, troubles={"planning": trouble}, saved=ledger.saved + 1))

    def broken(*_: object) -> Roundup:
        raise ValueError("a bug")

    sight = replace(SIGHT, survey=broken)
    alarms = Alarms(configuration, sight, clock=FakeClock(UNTIL))
    alarms.hear(TroubleOver(UNTIL, Topic.PLANNING))
    alarms.close(60.0)

    assert [each["event"] for each in listener.posted()] == [Event.RECOVERY]
