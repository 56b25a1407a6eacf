"""The demonstration itself: it must hold what it says."""

import json
from pathlib import Path

import pytest
import typer

from mailvault.cli import demo as command
from mailvault.cli.demo_tour import DemoReport, Tour
from mailvault.errors import UsageError


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def report(folder: Path, told: list[str]) -> DemoReport:
    return Tour(folder, is_kept=True, say=told.append).run()


def test_everything_comes_back_as_it_was_served(report: DemoReport) -> None:
    assert report.exit_code == 0
    assert all(run.equal_to_server for run in report.runs)
    assert report.first_run_still_shown
    assert report.findings == 0


def test_every_export_gives_back_the_octets(report: DemoReport) -> None:
    assert [check.format for check in report.exports] == ["maildir", "mbox", "eml"]
    assert all(check.is_equal for check in report.exports)


def test_a_second_server_gets_all_of_it_once(report: DemoReport) -> None:
    assert report.restored.is_equal
    assert report.restored.messages == report.messages
    assert report.restored.appended_again == 0


def test_the_second_sync_fetches_only_what_is_new(report: DemoReport) -> None:
    first, second, idle = report.runs

    assert second.arrived < first.arrived / 10
    assert second.flags_changed == 6
    assert idle.arrived == idle.flags_changed == idle.expunged == 0
    assert idle.commands < 10


def test_the_archive_is_smaller_than_the_mail(report: DemoReport) -> None:
    assert report.stored_octets < report.served_octets
    assert report.distinct_messages < report.messages


def test_what_was_found_is_said(report: DemoReport, told: list[str], folder: Path) -> None:
    text = "\n".join(told)

    assert "DIFFER" not in text
    assert "Everything came back as it was." in text
    assert str(folder) in text


def test_the_archive_stays_in_a_folder_that_was_named(report: DemoReport, folder: Path) -> None:
    assert report.folder == str(folder)
    assert (folder / "archive" / "archive.toml").is_file()


@pytest.mark.parametrize("keep", [False, True])
def test_a_temporary_folder_stays_only_when_asked_for(keep: bool) -> None:
    with command._place(None, keep=keep) as place:
        (place / "something").touch()

    is_there = place.exists()
    if is_there:
        (place / "something").unlink()
        place.rmdir()
    assert is_there is keep


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()

    with pytest.raises(UsageError), command._place(tmp_path, keep=False):
        pass

    assert (tmp_path / "mine").exists()


def test_the_summary_is_one_json_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended:
        command.demo(tmp_path / "new", keep=False, as_json=True)

    summary = json.loads(capsys.readouterr().out)
    assert ended.value.exit_code == 0
    assert summary["schema"] == 1
    assert summary["first_run_still_shown"] is True
