"""The digest from the command line, to a real listener."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mailvault.clock import SystemClock
from mailvault.demo.sample import PASSWORD
from tests.servers.webhook import CANARY, Listener
from tests.unit.cli.program import Json, Setting


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def told(setting: Setting, account: str, listener: Listener) -> Setting:
    """An account, and digests about it by webhook."""
    configure(setting, account, listener)
    setting.run("init")
    return setting


def configure(setting: Setting, account: str, listener: Listener) -> None:
    setting.configure(work=account)
    with setting.configuration.open("a") as file:
        file.write(f'\n[notify]\nwebhook_url = "{listener.url}"\ndigest = "daily"\n')


def ledger_of(setting: Setting) -> Path:
    return setting.archive / "alarms.json"


def let_pass(setting: Setting, days: int) -> datetime:
    """As if the last digest had been made so long ago."""
    document = json.loads(ledger_of(setting).read_text())
    last = SystemClock().now() - timedelta(days=days)
    ledger_of(setting).write_text(json.dumps(document | {"digested_at": last.isoformat()}))
    return last


def digests(listener: Listener) -> list[Json]:
    return [each["digest"] for each in listener.posted() if each["event"] == "digest"]


def test_the_digest_of_a_day_counts_what_was_done_in_it(
    told: Setting, listener: Listener
) -> None:
    told.run("verify", "--quick")
    assert listener.posted() == []
    last = let_pass(told, 2)

    assert told.run("sync").code == 0
    told.run("sync")

    (digest,) = digests(listener)
    assert datetime.fromisoformat(digest["since"]) == last
    (work,) = digest["accounts"]
    status = told.run("status", "--json").document()
    assert (work["account"], work["runs_well"], work["runs_failed"]) == ("work", 1, 0)
    assert work["messages"] == status["accounts"][0]["messages"] > 0
    assert work["octets"] > 0
    assert work["last_success"] is not None
    assert digest["stored_octets"] == status["archive"]["stored_octets"]
    assert digest["attention"] == []


def test_the_digest_tells_of_failures_and_of_the_last_verify(
    told: Setting, account: str, listener: Listener
) -> None:
    told.run("sync")
    told.run("verify")
    configure(told, account.replace(f'"{PASSWORD}"', f'"{CANARY}"'), listener)
    let_pass(told, 2)

    told.run("sync")

    (digest,) = digests(listener)
    (work,) = digest["accounts"]
    assert (work["runs_well"], work["runs_failed"], work["failing"]) == (1, 1, True)
    assert [(each["job"], each["exit_code"]) for each in digest["jobs"]] == [("verify", 0)]
    assert digest["attention"] == ["work: its last run failed"]


def test_run_due_sends_the_digest_even_if_no_job_is_due(
    told: Setting, listener: Listener
) -> None:
    told.run("sync")
    let_pass(told, 2)

    told.run("run", "--due")

    assert len(digests(listener)) == 1


def test_a_digest_about_an_archive_that_cannot_be_read_says_so(
    told: Setting, listener: Listener
) -> None:
    told.run("sync")
    let_pass(told, 2)
    for file in told.archive.glob("catalog.db*"):
        file.unlink()
    (told.archive / "archive.toml").write_text("no archive\n")

    told.run("verify")

    (digest,) = digests(listener)
    assert digest["error"]
    assert digest["attention"][0].startswith("the archive cannot be read: ")
    assert (digest["accounts"], digest["stored_octets"]) == ([], None)


def test_commands_at_the_same_time_send_one_digest(told: Setting, listener: Listener) -> None:
    told.run("sync")
    let_pass(told, 2)
    program = Path(sys.executable).with_name("mailvault")
    command: list[str | Path] = [program, "--config", told.configuration, "verify", "--quick"]

    started = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [each.wait(timeout=120) for each in started] == [0, 0, 0]

    assert len(digests(listener)) == 1


def test_no_digest_holds_anything_of_a_message_or_a_secret(
    told: Setting, listener: Listener
) -> None:
    told.run("sync")
    let_pass(told, 2)

    told.run("verify")

    (octets,) = [content for _, content in listener.heard if content]
    texts = {
        str(each[key])
        for each in told.run("list", "--json").lines()
        for key in ("subject", "from", "message_id", "mailbox")
        if each[key]
    }
    assert texts
    assert [each for each in texts | {PASSWORD, CANARY} if each.encode() in octets] == []


def test_a_digest_that_is_turned_off_is_forgotten(
    told: Setting, account: str, listener: Listener
) -> None:
    told.run("sync")
    let_pass(told, 2)
    told.configure(work=account)
    with told.configuration.open("a") as file:
        file.write(f'\n[notify]\nwebhook_url = "{listener.url}"\n')
    told.run("sync")
    configure(told, account, listener)

    told.run("sync")

    assert digests(listener) == []
