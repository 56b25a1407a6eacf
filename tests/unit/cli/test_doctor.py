"""The command ``doctor``, on what is well and on what is not."""

import pytest

from mailvault.demo.sample import USER
from tests.unit.cli.program import Json, Outcome, Setting, run_program


@pytest.fixture
def synced(setting: Setting, account: str) -> Setting:
    setting.configure(work=account)
    setting.run("init")
    setting.run("sync")
    return setting


def errors(outcome: Outcome) -> list[Json]:
    return [each for each in outcome.document()["findings"] if each["severity"] != "note"]


def test_of_a_healthy_archive_nothing_is_wrong(synced: Setting) -> None:
    outcome, text = synced.run("doctor", "--json"), synced.run("doctor")

    report = outcome.document()
    assert (outcome.code, errors(outcome), text.code) == (0, [], 0), outcome.stdout
    assert text.stdout.startswith("nothing is wrong that can be seen from here\n")
    assert report["servers"]["accounts"][0]["is_reachable"]
    assert "IMAP4REV1" in report["servers"]["accounts"][0]["capabilities"]
    assert report["archive"]["messages"] > 0
    assert report["archive"]["lasts_days"] is None
    assert "lasts_days: unknown" in text.stdout
    assert report["program"]["sqlite"]


def test_names_are_shown_only_when_asked_for(synced: Setting) -> None:
    masked, open_ = synced.run("doctor"), synced.run("doctor", "--show-names")

    assert USER not in masked.stdout
    assert "127.0.0.1" not in masked.stdout
    assert USER in open_.stdout
    assert "host: 127.0.0.1" in open_.stdout


def test_a_server_that_is_down_is_reported_with_the_rest(synced: Setting) -> None:
    text = synced.configuration.read_text()
    synced.configuration.write_text(text.replace("port = ", "port = 1 #"))

    outcome, offline = synced.run("doctor", "--json"), synced.run("doctor", "--offline")

    (finding,) = errors(outcome)
    assert outcome.code == 3
    assert finding["part"] == "servers"
    assert finding["what"].startswith("work: HOST1:1 refused the connection")
    assert offline.code == 0
    assert "[servers]" not in offline.stdout


def test_a_broken_configuration_does_not_hide_the_archive(synced: Setting) -> None:
    with synced.configuration.open("a") as file:
        file.write("[schedule]\nsink = 1\n")

    outcome = synced.run("doctor", "--json")

    assert outcome.code == 2
    assert "schedule.sink: unknown key" in errors(outcome)[0]["what"]
    assert outcome.document()["archive"]["messages"] > 0


def test_no_configuration_at_all_still_gives_a_report(setting: Setting) -> None:
    outcome = run_program("--config", str(setting.folder / "none.toml"), "doctor", "--json")

    assert outcome.code == 2
    assert "there is no configuration file" in errors(outcome)[0]["what"]
    assert outcome.document()["program"]["python"]


def test_a_lost_archive_ends_with_20_and_says_what_to_do(synced: Setting) -> None:
    synced.archive.rename(synced.folder / "elsewhere")

    outcome = synced.run("doctor")

    assert outcome.code == 20
    assert "error (archive): " in outcome.stdout
    assert "mailvault init" in outcome.stdout


def test_a_configuration_that_others_can_change_is_a_finding(synced: Setting) -> None:
    text = synced.configuration.read_text()
    lines = [line for line in text.splitlines() if not line.startswith("password")]
    synced.configuration.write_text("\n".join(lines))
    synced.configuration.chmod(0o622)

    outcome = synced.run("doctor", "--json", "--offline")

    assert outcome.code == 3
    assert "can be changed by others" in errors(outcome)[0]["what"]
