"""The command export over a real archive of the sample mailbox."""

import contextlib
import mailbox
import zipfile
from pathlib import Path

import pytest

from tests.unit.cli.program import Setting


class TestExport:
    @pytest.mark.parametrize("file_format", ["eml", "maildir", "mbox"])
    def test_every_message_is_written(
        self, level: Setting, tmp_path: Path, file_format: str
    ) -> None:
        folder = tmp_path / "out"

        report = level.run(
            "export", str(folder), "--format", file_format, "--at", "1", "--json"
        ).document()

        assert sum(each["messages"] for each in report["mailboxes"]) == 196
        assert report["failures"] == []

    def test_globs_and_accounts_narrow_it(self, level: Setting, tmp_path: Path) -> None:
        level.run(
            "export", str(tmp_path / "out"), "work", "--format", "mbox", "--mailbox", "Sent"
        )

        (path,) = [each for each in (tmp_path / "out").rglob("Sent*") if each.is_file()]
        with contextlib.closing(mailbox.mbox(path)) as box:
            assert len(box) > 10

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["nobody"],
            *(
                ["--format", *words]
                for words in (
                    ["pdf"],
                    ["eml", "--mailbox", "Nosuch"],
                    ["eml", "--layout", "fs"],
                    ["maildir", "--layout", "thunderbird"],
                    ["maildir", "--status"],
                    ["eml", "--run", "99"],
                    ["eml", "--since", "soon"],
                    ["eml", "--zip", "--at", "99"],
                )
            ),
        ],
        ids=lambda arguments: " ".join(arguments) or "no format",
    )
    def test_a_wrong_choice_writes_nothing(
        self, level: Setting, tmp_path: Path, arguments: list[str]
    ) -> None:
        outcome = level.run("export", str(tmp_path / "out"), *arguments)

        assert outcome.code == 2
        assert not (tmp_path / "out").exists()

    def test_a_zip_file_is_written_once(self, level: Setting, tmp_path: Path) -> None:
        words = ["export", str(tmp_path / "out.zip"), "--format", "eml", "--zip"]

        first, second = level.run(*words), level.run(*words)

        assert (first.code, second.code) == (0, 2)
        with zipfile.ZipFile(tmp_path / "out.zip") as archive:
            assert sum(name.endswith(".eml") for name in archive.namelist()) == 199

    def test_what_is_there_is_said_the_second_time(
        self, level: Setting, tmp_path: Path
    ) -> None:
        words = ["export", str(tmp_path / "out"), "--format", "maildir"]

        first, second = level.run(*words), level.run(*words)

        assert "before" not in first.stdout
        assert "199 of them there before" in second.stdout

    def test_what_was_expunged_can_be_had(self, level: Setting, tmp_path: Path) -> None:
        words = ["export", str(tmp_path / "out"), "--format", "eml", "--gone", "--json"]

        report = level.run(*words).document()

        gone = level.run("list", "--gone", "--json").lines()
        assert sum(each["messages"] for each in report["mailboxes"]) == len(gone) > 0

    def test_the_archive_itself_is_no_destination(self, level: Setting) -> None:
        outcome = level.run("export", str(level.archive / "out"), "--format", "eml")

        assert outcome.code == 2
        assert not (level.archive / "out").exists()

    def test_a_file_is_no_folder_to_fill(self, level: Setting, tmp_path: Path) -> None:
        path = tmp_path / "out"
        path.write_text("mine")

        outcome = level.run("export", str(path), "--format", "eml")

        assert outcome.code == 2
        assert "is a file, and an export fills a folder" in outcome.stderr
        assert path.read_text() == "mine"
