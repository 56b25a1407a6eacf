"""What runs by itself, seen from the command line."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from mailvault.archive.lock import Lease
from mailvault.wiring import SystemClock
from tests.unit.cli.program import Json, Outcome, Setting
from tests.unit.cli.test_docs import section_of

CRONTAB = """\
#!/bin/sh
# A crontab command whose table is a file.
case "$1" in
    -l) cat "{table}" 2>/dev/null || {{ echo "no crontab for me" >&2; exit 1; }} ;;
    -) cat > "{table}" ;;
esac
"""


def schedule(setting: Setting, lines: str) -> None:
    with setting.configuration.open("a") as file:
        file.write(f"[schedule]\n{lines}\n")


@pytest.fixture
def scheduled(setting: Setting, account: str) -> Setting:
    """Two accounts, to be synced once an hour."""
    setting.configure(work=account, home=account)
    schedule(setting, 'sync = "1h"')
    setting.run("init")
    return setting


@pytest.fixture
def crontab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the `crontab` command of this test keeps."""
    table, folder = tmp_path / "table", tmp_path / "bin"
    folder.mkdir()
    (folder / "crontab").write_text(CRONTAB.format(table=table))
    (folder / "crontab").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return table


def jobs(outcome: Outcome) -> dict[str, int]:
    return {each["job"]: each["exit_code"] for each in outcome.document()["jobs"]}


def test_what_was_never_done_is_due_and_then_it_is_not(scheduled: Setting) -> None:
    first = scheduled.run("run", "--due", "--json")
    second = scheduled.run("run", "--due", "--json")

    assert first.code == second.code == 0
    assert jobs(first) == {"sync work": 0, "sync home": 0}
    assert jobs(second) == {}


def test_accounts_that_are_due_together_are_one_run(scheduled: Setting) -> None:
    scheduled.run("run", "--due")

    (run,) = scheduled.run("log", "--json").lines()
    assert sorted(each["account"] for each in run["accounts"]) == ["home", "work"]
    held = {each["account"]: each["messages"] for each in status(scheduled)["accounts"]}
    assert held["home"] == held["work"] > 0
    assert scheduled.run("verify").code == 0


def test_one_accounts_trouble_is_its_own(scheduled: Setting, account: str) -> None:
    scheduled.configure(work=account, home=account.replace('user = "', 'user = "no'))
    schedule(scheduled, 'sync = "1h"')

    outcome = scheduled.run("run", "--due", "--json")

    assert outcome.code == 11
    assert jobs(outcome) == {"sync work": 0, "sync home": 11}


def test_a_sync_by_hand_counts(scheduled: Setting) -> None:
    scheduled.run("sync", "work")

    assert jobs(scheduled.run("run", "--due", "--json")) == {"sync home": 0}


def test_verify_is_due_a_while_after_the_archive_was_made(scheduled: Setting) -> None:
    with scheduled.configuration.open("a") as file:
        file.write('verify = "@weekly"\n')

    (verify,) = [
        each
        for each in scheduled.run("schedule", "--json").document()["jobs"]
        if each["job"] == "verify"
    ]

    assert not verify["due"]
    assert [datetime.fromisoformat(at).astimezone().isoweekday() for at in verify["next"]] == [
        7
    ] * 5


def make_older(setting: Setting) -> None:
    """Let the archive have been made an hour ago."""
    identity = setting.archive / "archive.toml"
    created = re.search(r'created = "(.*)"', identity.read_text())
    assert created is not None
    earlier = datetime.fromisoformat(created[1]) - timedelta(hours=1)
    identity.write_text(identity.read_text().replace(created[1], earlier.isoformat()))


def test_verify_drill_and_copy_run_when_they_are_due_and_are_written_down(
    setting: Setting, account: str
) -> None:
    setting.configure(work=account)
    schedule(
        setting,
        'verify = "30m"\nverify_sample = 50\ndrill = "30m"\ncopy = "30m"\ncopy_to = "copy"',
    )
    setting.run("init")
    setting.run("sync")
    make_older(setting)

    outcome = setting.run("run", "--due", "--json")

    assert jobs(outcome) == {"verify": 0, "drill": 0, "copy": 0}, outcome
    assert (setting.folder / "copy" / "archive.toml").exists()
    shown = setting.run("schedule", "--json").document()["jobs"]
    assert [each["last"] is not None and not each["due"] for each in shown] == [True] * 3
    assert jobs(setting.run("run", "--due", "--json")) == {}


def test_schedule_shows_the_next_five_times_of_each_job(scheduled: Setting) -> None:
    scheduled.run("run", "--due")

    outcome = scheduled.run("schedule", "--json")

    for job in outcome.document()["jobs"]:
        times = [datetime.fromisoformat(at) for at in job["next"]]
        assert len(times) == 5
        assert [later - at for at, later in pairwise(times)] == [timedelta(hours=1)] * 4
        assert times[0] - datetime.fromisoformat(job["last"]) == timedelta(hours=1)


def test_schedule_on_a_terminal_names_what_is_due(scheduled: Setting) -> None:
    outcome = scheduled.run("schedule")

    assert re.search(r"sync work +1h +- +due now", outcome.stdout)


def test_without_a_schedule_it_is_said_how_to_get_one(setting: Setting, account: str) -> None:
    setting.configure(work=account)
    setting.run("init")

    assert "nothing is scheduled" in setting.run("schedule").stdout
    outcome = setting.run("run", "--due")
    assert (outcome.code, outcome.stdout) == (0, "")
    assert "nothing is scheduled, so nothing is ever due" in outcome.stderr
    assert setting.run("-q", "run", "--due").stderr == ""
    assert jobs(setting.run("run", "--due", "--json")) == {}


def status(setting: Setting) -> Json:
    return setting.run("status", "--json").document()


def test_status_shows_the_next_run_of_each_account(scheduled: Setting) -> None:
    scheduled.run("run", "--due")
    coming = {
        each["account"]: each["next"][0]
        for each in scheduled.run("schedule", "--json").document()["jobs"]
    }

    shown = {each["account"]: each["next_run"] for each in status(scheduled)["accounts"]}

    assert shown == coming


def test_while_another_one_runs_the_schedules_it_leaves_with_75(scheduled: Setting) -> None:
    with Lease.acquire(scheduled.archive, clock=SystemClock()):
        once, daemon = scheduled.run("run", "--due"), scheduled.run("daemon")
        by_cron = scheduled.run("-q", "run", "--due")
        by_hand = scheduled.run("sync")

    assert once.code == daemon.code == by_cron.code == 75
    assert by_cron.stderr == ""
    assert "already runs the schedules" in once.stderr
    assert by_hand.code == 0


def test_a_daemon_without_an_archive_says_how_to_make_one(setting: Setting) -> None:
    outcome = setting.run("daemon")

    assert outcome.code == 20
    assert "mailvault init" in outcome.stderr


def test_run_alone_says_what_to_type(scheduled: Setting) -> None:
    outcome = scheduled.run("run")

    assert outcome.code == 2
    assert "--due" in outcome.stderr


@pytest.mark.parametrize("command", ["schedule", "run"])
def test_the_json_is_that_of_the_page(scheduled: Setting, command: str) -> None:
    (block, *_) = re.findall(r"```json\n(.*?)```", section_of(command), re.DOTALL)
    described = json.loads(block)

    printed = scheduled.run(
        command, *(["--due"] if command == "run" else []), "--json"
    ).document()

    assert set(printed) == set(described)
    assert set(printed["jobs"][0]) == set(described["jobs"][0])


@pytest.mark.parametrize(
    ("way", "expected"),
    [("--daemon", "Type=notify"), ("--timer", "Persistent=true"), ("--cron", "run --due")],
)
def test_service_prints_what_it_would_install(
    scheduled: Setting, way: str, expected: str
) -> None:
    outcome = scheduled.run("service", "print", way)

    assert outcome.code == 0
    assert expected in outcome.stdout


@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="would install a service")
def test_without_systemd_install_prints_and_says_that_nothing_was_installed(
    scheduled: Setting,
) -> None:
    outcome = scheduled.run("service", "install", "--user")

    assert outcome.code == 2
    assert "Type=notify" in outcome.stdout
    assert "nothing was installed" in outcome.stderr


def test_a_crontab_line_is_installed_once_and_removed_without_a_trace(
    scheduled: Setting, crontab: Path
) -> None:
    crontab.write_text("0 4 * * * something else\n")

    installed = [scheduled.run("service", "install", "--cron") for _ in range(2)]
    table = crontab.read_text()
    removed = scheduled.run("service", "uninstall", "--cron")

    assert [each.code for each in (*installed, removed)] == [0, 0, 0]
    assert table.count("run --due") == 1
    assert table.startswith("0 4 * * * something else\n")
    assert crontab.read_text() == "0 4 * * * something else\n"


def test_a_first_crontab_may_be_ours(scheduled: Setting, crontab: Path) -> None:
    outcome = scheduled.run("service", "install", "--cron")

    assert outcome.code == 0
    assert crontab.read_text().count("run --due") == 1


@pytest.mark.parametrize("zone", ["CET-1CEST,M3.5.0,M10.5.0/3", "Nowhere/Land", "UTC0"])
def test_a_zone_without_a_name_is_no_reason_to_fail(scheduled: Setting, zone: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from mailvault.program import main; main()",
         "--config", str(scheduled.configuration), "schedule"],
        capture_output=True, text=True, env={**os.environ, "TZ": zone}, check=False,
    )  # fmt: skip

    assert done.returncode == 0
    assert "due now" in done.stdout
    assert "has no name" in done.stderr


def test_json_lines_tell_which_account_they_are_about(scheduled: Setting) -> None:
    outcome = scheduled.run("-vv", "--log-format", "json", "run", "--due")

    lines = [json.loads(line) for line in outcome.stderr.splitlines()]
    about = {line.get("account") for line in lines}
    assert about >= {"work", "home"}
    for line in lines:
        assert {"time", "level", "logger", "message"} <= set(line)
        assert datetime.fromisoformat(line["time"]).tzinfo is not None
        assert line["level"] in ("debug", "info", "warning", "error")
    for account in ("work", "home"):
        own = {line["logger"] for line in lines if line.get("account") == account}
        assert {"mailvault.daemon.work", "mailvault.operations.account_sync"} <= own
        assert any(name.startswith("mailvault.transport") for name in own), own


@pytest.mark.parametrize("is_journal", [True, False])
def test_the_journal_is_told_how_grave_a_line_is(scheduled: Setting, is_journal: bool) -> None:
    reading, writing = os.pipe()
    state = os.fstat(writing)
    stream = f"{state.st_dev}:{state.st_ino}" if is_journal else "1:2"
    program = [sys.executable, "-c", "from mailvault.program import main; main()"]
    with os.fdopen(reading) as heard:
        try:
            for words in (["schedule"], ["run"]):
                subprocess.run(
                    [*program, "--config", str(scheduled.configuration), *words],
                    stdout=subprocess.DEVNULL,
                    stderr=writing,
                    env={**os.environ, "TZ": "Nowhere/Land", "JOURNAL_STREAM": stream},
                    check=False,
                )
        finally:
            os.close(writing)
        warning, error, hint = heard.read().splitlines()

    assert warning.startswith("<4>warning: the time zone" if is_journal else "warning: ")
    assert error.startswith("<3>mailvault: nothing to run" if is_journal else "mailvault: ")
    assert hint.startswith("<3>  " if is_journal else "  ")
