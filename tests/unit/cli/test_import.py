"""The command import: what it takes in, says and refuses; and what may be done with it then."""

import gzip
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.unit.cli.importing import arrived, letter, listed, mbox, take_in
from tests.unit.cli.program import Json, Setting
from tests.unit.cli.test_docs import section_of


def test_a_path_that_is_not_there_leaves_no_account_and_no_run(
    vault: Setting, tmp_path: Path
) -> None:
    outcome = vault.run("import", str(tmp_path / "nowhere"), "--account", "old")

    assert (outcome.code, outcome.stdout) == (2, "")
    assert "No such file or directory" in outcome.stderr
    assert vault.run("log").stdout == ""
    assert "there is no account 'old'" in vault.run("list", "old").stderr


def test_all_mail_below_a_path_is_taken_in(vault: Setting, mail: Path) -> None:
    report = take_in(vault, mail)

    assert arrived(report) == 5
    assert {each["mailbox"] for each in listed(vault)} == {"INBOX", "Work"}
    assert {each["internal_date"] for each in listed(vault)} == {"2026-01-05T12:00:00Z"}
    wire = letter(1).replace(b"\n", b"\r\n")
    assert hashlib.sha256(wire).hexdigest() in {each["digest"] for each in listed(vault)}


def test_a_dry_run_explains_and_stores_nothing(vault: Setting, mail: Path) -> None:
    outcome = vault.run("import", str(mail), "--account", "old", "--dry-run")

    assert outcome.code == 0
    assert re.search(r"^Work +mbox +3 +3 ", outcome.stdout, re.MULTILINE)
    assert "5 messages to import" in outcome.stdout
    assert "1 other file left alone" in outcome.stdout
    assert vault.run("status", "--json").document()["accounts"] == []


def test_repeating_an_import_adds_nothing(vault: Setting, mail: Path) -> None:
    take_in(vault, mail)
    before = listed(vault)

    assert arrived(take_in(vault, mail, "--dry-run")) == 0
    assert arrived(take_in(vault, mail)) == 0
    assert listed(vault) == before


def test_an_mbox_that_grew_brings_what_is_new(vault: Setting, mail: Path) -> None:
    take_in(vault, mail)
    (mail / "Work.mbox").write_bytes(mbox(1, 2, 3, 5))

    assert arrived(take_in(vault, mail)) == 1
    assert len(listed(vault, "--mailbox", "Work")) == 4


def test_what_is_gone_from_the_files_stays(vault: Setting, mail: Path) -> None:
    (mail / "Work.mbox").write_bytes(mbox(*range(200)))
    take_in(vault, mail)
    (mail / "Work.mbox").write_bytes(mbox(7))
    (mail / "Inbox").unlink()

    report = take_in(vault, mail)

    assert arrived(report) == 0
    assert report["accounts"][0]["suspicion"] is None
    assert len(listed(vault)) == 202
    assert listed(vault, "--gone") == []


def test_twins_stay_twins(vault: Setting, mail: Path) -> None:
    (mail / "Work.mbox").write_bytes(mbox(1, 1, 2, 1))
    take_in(vault, mail)
    assert len(listed(vault, "--mailbox", "Work")) == 4

    (mail / "Work.mbox").write_bytes(mbox(2, 1, 1, 1, 1))

    assert arrived(take_in(vault, mail)) == 1


def test_a_file_may_be_moved_and_turned_into_another_format(vault: Setting, mail: Path) -> None:
    take_in(vault, mail)
    (mail / "Work.mbox").unlink()
    folder = mail / "Work"
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    for number in (1, 2, 3):
        (folder / "cur" / f"{number}.x:2,S").write_bytes(letter(number))

    assert arrived(take_in(vault, mail)) == 0
    assert {tuple(each["flags"]) for each in listed(vault, "--mailbox", "Work")} == {
        ("\\Seen",)
    }


def test_flags_that_changed_are_taken_over_and_silence_changes_nothing(
    vault: Setting, mail: Path
) -> None:
    (mail / "Work.mbox").write_bytes(mbox(1, status="O"))
    take_in(vault, mail)

    (mail / "Work.mbox").write_bytes(mbox(1, status="RO"))
    take_in(vault, mail)
    (mail / "Work.mbox").write_bytes(mbox(1))
    take_in(vault, mail)

    (placement,) = listed(vault, "--mailbox", "Work")
    assert placement["flags"] == ["\\Seen"]
    (before,) = listed(vault, "--mailbox", "Work", "--at", "1")
    assert before["flags"] == []


def test_only_the_mailboxes_asked_for_are_imported(vault: Setting, mail: Path) -> None:
    assert arrived(take_in(vault, mail, "--mailbox", "W*")) == 3
    assert {each["mailbox"] for each in listed(vault)} == {"Work"}

    outcome = vault.run("import", str(mail), "--account", "old", "--mailbox", "Nope")
    assert outcome.code == 2
    assert "INBOX, Work" in outcome.stderr


def test_several_paths_come_together_in_an_account(vault: Setting, mail: Path) -> None:
    (mail / "Archive.mbox").write_bytes(mbox(*range(10, 15)))

    take_in(vault, mail / "Work.mbox")
    take_in(vault, mail / "Archive.mbox")

    assert len(listed(vault)) == 8
    assert listed(vault, "--gone") == []


def test_a_message_that_cannot_be_read_is_owed_until_it_can(vault: Setting, mail: Path) -> None:
    (mail / "1.eml").write_bytes(b"\x1f\x8b\x08\x00 damaged")

    foreseen = take_in(vault, mail, "--dry-run", code=3)
    assert arrived(foreseen) == 5
    report = take_in(vault, mail, code=3)
    assert arrived(report) == 5
    assert report["accounts"][0]["debts"] == 1
    assert [each["path"] for each in report["unreadable"]] == [str(mail / "1.eml")]
    assert foreseen["unreadable"] == report["unreadable"]
    take_in(vault, mail, code=3)  # and not twice
    assert vault.run("status", "--json").document()["accounts"][0]["debts"] == 1

    (mail / "1.eml").write_bytes(letter(9))
    report = take_in(vault, mail)
    assert (arrived(report), report["accounts"][0]["debts"]) == (1, 0)


def test_a_file_that_breaks_off_is_told_and_what_is_whole_is_taken(
    vault: Setting, mail: Path
) -> None:
    packed = gzip.compress(mbox(*range(2000)), 1)
    (mail / "Large.mbox.gz").write_bytes(packed[: len(packed) // 2])

    foreseen = take_in(vault, mail, "--dry-run", code=3)
    report = take_in(vault, mail, code=3)

    assert 500 < arrived(report) < 1500
    assert arrived(foreseen) == arrived(report)
    (broken,) = [each for each in report["accounts"][0]["mailboxes"] if each["error"]]
    assert broken["mailbox"] == "Large"
    assert "Large.mbox.gz cannot be read" in broken["error"]


def test_a_debt_is_forgotten_with_its_file_and_only_then(
    vault: Setting, mail: Path, tmp_path: Path
) -> None:
    other = tmp_path / "mail" / "below"
    other.mkdir()
    (mail / "1.eml").write_bytes(b"\x1f\x8b\x08\x00 damaged")
    take_in(vault, mail, code=3)

    take_in(vault, mail / "Work.mbox", code=3)
    (mail / "1.eml").unlink()
    (mail / "2.eml").write_bytes(letter(2))
    report = take_in(vault, mail)

    assert report["accounts"][0]["debts"] == 0


def test_a_debt_is_forgotten_with_its_folder(vault: Setting, mail: Path) -> None:
    folder = mail / "Letters"
    folder.mkdir()
    (folder / "1.eml").write_bytes(b"\x1f\x8b\x08\x00 damaged")
    (folder / "2.eml").write_bytes(letter(7))
    take_in(vault, mail, code=3)

    shutil.rmtree(folder)
    outcome = vault.run("import", str(mail), "--account", "old")

    assert (outcome.code, outcome.stderr) == (0, "")
    assert re.search("^Letters +- +0 +0 +-$", outcome.stdout, re.MULTILINE)
    assert len(listed(vault, "--mailbox", "Letters")) == 1


def test_an_account_that_is_configured_takes_no_imports(
    setting: Setting, mail: Path, account: str
) -> None:
    setting.configure(old=account)
    setting.run("init")

    outcome = setting.run("import", str(mail), "--account", "old")

    assert outcome.code == 2
    assert "--account old-import" in outcome.stderr


def test_an_account_that_was_synced_takes_no_imports(
    setting: Setting, mail: Path, account: str
) -> None:
    setting.configure(old=account)
    setting.run("init")
    setting.run("sync")
    before = listed(setting)
    setting.configure()

    outcome = setting.run("import", str(mail), "--account", "old")

    assert outcome.code == 2
    assert "synced over IMAP" in outcome.stderr
    assert listed(setting) == before


def test_an_account_that_was_imported_is_not_synced(
    setting: Setting, mail: Path, account: str
) -> None:
    setting.run("init")
    take_in(setting, mail)
    before = listed(setting)
    setting.configure(old=account, other=account)

    outcome = setting.run("sync")

    assert outcome.code == 2
    assert "old: this account holds imported mail" in outcome.stderr
    assert listed(setting) == before
    assert setting.run("list", "other", "--json").lines()
    assert arrived(take_in_as(setting, mail)) == 0


def take_in_as(setting: Setting, mail: Path) -> Json:
    setting.configure()
    return take_in(setting, mail)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere", "--account", "old"), "No such file"),
        (("mail",), "--account is missing"),
        (("mail", "--account", "old", "--format", "tnef"), "there is no format"),
        (("mail/notes.txt", "--account", "old"), "holds no mail"),
        (("/dev/null", "--account", "old"), "neither a folder nor a file"),
        (("archive", "--account", "old"), "lies inside the archive"),
    ],
    ids=["path", "account", "format", "no-mail", "device", "archive"],
)
def test_what_cannot_be_meant_is_refused(
    vault: Setting,
    mail: Path,
    arguments: tuple[str, ...],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(vault.folder)

    outcome = vault.run("import", *arguments)

    assert outcome.code == 2
    assert said in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_imported_mail_is_verified_and_exported_like_any_other(
    vault: Setting, mail: Path, tmp_path: Path
) -> None:
    take_in(vault, mail)

    assert vault.run("verify").code == 0
    assert vault.run("rebuild").code == 0
    outcome = vault.run("export", str(tmp_path / "out"), "--format", "maildir", "old")

    assert outcome.code == 0
    assert len(list((tmp_path / "out").rglob("cur/*"))) == 5
    assert arrived(take_in(vault, tmp_path / "out")) == 0


def test_the_json_has_the_fields_of_the_page(vault: Setting, mail: Path) -> None:
    (block, *_) = re.findall(r"```json\n(.*?)```", section_of("import"), re.DOTALL)
    (sync, *_) = re.findall(r"```json\n(.*?)```", section_of("sync"), re.DOTALL)

    assert set(take_in(vault, mail)) == {*json.loads(block), *json.loads(sync)}
