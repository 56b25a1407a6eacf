"""The command import where there is nothing to import: it leaves nothing behind."""

from pathlib import Path

import pytest

from tests.unit.cli.importing import arrived, listed, take_in
from tests.unit.cli.program import Setting


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("options", [(), ("--dry-run",), ("--json",)], ids=lambda each: each)
@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "notes.txt",
            "notes.txt holds no mail\n  nothing was imported; looked for Maildir, mbox",
        ),
        ("folder", "folder holds no mail, but 1 other file\n"),
        ("empty", "empty holds no mail\n"),
        ("Empty.mbox", "there is no message in Empty (mbox)\n"),
        ("Maildir", "there is no message in INBOX (Maildir)\n"),
    ],
)
def test_importing_what_holds_no_mail_leaves_the_archive_as_it_was(
    vault: Setting, tmp_path: Path, name: str, said: str, options: tuple[str, ...]
) -> None:
    put(tmp_path / "notes.txt", b"just words\n")
    put(tmp_path / "folder" / "notes.txt", b"just words\n")
    put(tmp_path / "Empty.mbox", b"")
    for folder in ("empty", "Maildir/cur", "Maildir/new", "Maildir/tmp"):
        (tmp_path / folder).mkdir(parents=True)
    before = files_of(vault.folder / "archive" / "journal")

    outcome = vault.run("import", str(tmp_path / name), "--account", "old", *options)

    assert outcome.code == 2
    assert said in outcome.stderr
    assert files_of(vault.folder / "archive" / "journal") == before
    assert vault.run("log").stdout == ""
    assert "there is no account 'old'" in vault.run("list", "old").stderr
    if options == ("--json",):
        assert outcome.document()["run"] is None
    else:
        assert outcome.stdout == ""


def test_what_is_there_in_another_format_or_mailbox_than_the_one_asked_for_is_no_mail(
    vault: Setting, mail: Path
) -> None:
    wrong_format = vault.run("import", str(mail), "--account", "old", "--format", "maildir")
    wrong_name = vault.run("import", str(mail), "--account", "old", "--mailbox", "Wrk")

    assert (wrong_format.code, wrong_name.code) == (2, 2)
    assert "only looked for the format maildir: leave out --format" in wrong_format.stderr
    assert "matches Wrk\n  there are: INBOX, Work" in wrong_name.stderr
    assert vault.run("log").stdout == ""


def test_an_account_that_was_imported_before_may_find_its_files_empty(
    vault: Setting, mail: Path
) -> None:
    take_in(vault, mail)
    for path in (mail / "Work.mbox", mail / "Inbox"):
        path.write_bytes(b"")
    (mail / "Inbox.msf").touch()

    report = take_in(vault, mail)

    assert arrived(report) == 0
    assert len(listed(vault)) == 5


def test_a_file_that_cannot_be_opened_leaves_no_account(vault: Setting, tmp_path: Path) -> None:
    path = put(tmp_path / "mail.olm", b"x")

    outcome = vault.run("import", str(path), "--account", "old")

    assert outcome.code == 2
    assert "Outlook for Mac" in outcome.stderr
    assert vault.run("log").stdout == ""
