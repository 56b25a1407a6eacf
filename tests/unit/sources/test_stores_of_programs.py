"""What mail programs and services leave behind: Thunderbird, Google Takeout, Outlook."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailvault.destinations.mbox import MboxDestination, MboxLayout
from mailvault.errors import UsageError
from mailvault.mail.model import MailboxName
from tests.flags import build_flags
from tests.unit.sources.found_mail import FoundMail, find

LINE = b"From 17@xxx Mon Jan 05 12:00:00 +0000 2026\r\n"
LETTER = b"Subject: one\r\n\r\nbody\r\n"


def takeout(*labels: str) -> bytes:
    return b"".join(
        LINE + b"X-GM-THRID: 17\r\nX-Gmail-Labels: %s\r\n" % each.encode() + LETTER + b"\r\n"
        for each in labels
    )


def find_takeout(folder: Path, *labels: str, name: str = "All mail.mbox") -> FoundMail:
    (folder / name).write_bytes(takeout(*labels))
    return find(folder / name)


# Google Takeout


def test_a_message_lies_in_a_mailbox_for_each_of_its_labels(tmp_path: Path) -> None:
    found = find_takeout(tmp_path, "Inbox,Work/2026,Unread", "Work/2026,Opened", "Archived")

    assert {name: len(mails) for name, mails in found.messages.items()} == {
        "INBOX": 1, "Work/2026": 2, "Archived": 1
    }  # fmt: skip
    assert set(found.octets) == {LETTER}


def test_labels_tell_flags_and_are_kept(tmp_path: Path) -> None:
    found = find_takeout(tmp_path, "Inbox,Unread,Starred", "Inbox,Important,Category Personal")

    first, second = found.messages["INBOX"]
    assert first.flags == build_flags("\\Flagged")
    assert first.labels == frozenset({"Inbox", "Unread", "Starred"})
    assert second.flags == build_flags("\\Seen", "$Important")


def test_labels_in_a_language_that_is_not_understood_say_nothing_of_flags(
    tmp_path: Path,
) -> None:
    found = find_takeout(tmp_path, "Posteingang,Ungelesen", "Inbox,Category Forums")

    assert [mail.flags for mail in found.messages["Posteingang"]] == [None]
    assert [mail.flags for mail in found.messages["INBOX"]] == [build_flags("\\Seen")]


def test_labels_may_be_encoded_quoted_and_folded(tmp_path: Path) -> None:
    found = find_takeout(
        tmp_path, '"a, b",\r\n =?UTF-8?Q?Caf=C3=A9?=', "=?UTF-8?B?w7xiZXIvdW5z?=,Sent"
    )

    assert found.messages.keys() == {"a, b", "Café", "über/uns", "Sent"}


def test_the_file_of_a_label_is_the_mailbox_of_that_label(tmp_path: Path) -> None:
    found = find_takeout(tmp_path, "Inbox,Work/2026", "Work/2026,Sent", name="Work-2026.mbox")

    assert {name: len(mails) for name, mails in found.messages.items()} == {"Work/2026": 2}


def test_a_label_never_becomes_a_path(tmp_path: Path) -> None:
    found = find_takeout(tmp_path, "../../etc/passwd", "/absolute", "a//b")

    assert found.messages.keys() == {"../../etc/passwd", "absolute", "a/b"}
    assert [path.name for path in tmp_path.iterdir()] == ["All mail.mbox"]


# Thunderbird


def test_a_profile_gives_its_mailboxes(tmp_path: Path) -> None:
    local = tmp_path / "Mail" / "Local Folders"
    remote = tmp_path / "ImapMail" / "imap.example.org"
    for folder in (local / "Work.sbd", remote / "INBOX.sbd"):
        folder.mkdir(parents=True)
    mbox = b"From - Mon Jan  5 12:00:00 2026\r\nX-Mozilla-Status: 0001\r\n" + LETTER
    for path in (local / "Work", local / "Work.sbd" / "2026", remote / "INBOX"):
        path.write_bytes(mbox)
    for path in (
        local / "Empty",
        local / "Work.msf",
        local / "Empty.msf",
        tmp_path / "prefs.js",
    ):
        path.touch()
    (local / "msgFilterRules.dat").write_text("version=9")
    (tmp_path / "lock").symlink_to("127.0.1.1:+1234")

    found = find(tmp_path)

    assert {name: len(mails) for name, mails in found.messages.items()} == {
        "Local Folders/Empty": 0,
        "Local Folders/Work": 1,
        "Local Folders/Work/2026": 1,
        "imap.example.org/INBOX": 1,
    }
    assert {(mail.octets, mail.flags) for mail in found.all} == {
        (LETTER, frozenset({"\\Seen"}))
    }
    assert not found.errors


def test_a_single_folder_of_a_profile_may_be_imported(tmp_path: Path) -> None:
    (tmp_path / "Inbox.sbd").mkdir()
    for path in (tmp_path / "Inbox", tmp_path / "Inbox.sbd" / "Work"):
        path.write_bytes(LINE + LETTER)

    assert find(tmp_path).messages.keys() == {"INBOX", "INBOX/Work"}


@pytest.mark.parametrize("layout", MboxLayout)
@pytest.mark.parametrize("has_status", [False, True], ids=["plain", "status"])
def test_exports_come_back_exactly(
    tmp_path: Path, layout: MboxLayout, *, has_status: bool
) -> None:
    written = [b"", b"Status: RO\r\nA: b\r\n\r\n>From me\r\n", b"A: b\n\nFrom you\n", b"\n\r"]
    flags = build_flags("\\Seen", "\\Flagged", "Work", "$Forwarded")
    names = [MailboxName(("INBOX",)), MailboxName(("a.mbox", "b/c")), MailboxName(("a.mbox",))]
    with MboxDestination(tmp_path / "out", layout=layout, has_status=has_status) as destination:
        for name in names:
            for octets in written:
                destination.append(name, octets, flags=flags, internal_date=None)

    found = find(tmp_path / "out")

    assert found.messages.keys() == set(map(str, names))
    assert all([m.octets for m in mails] == written for mails in found.messages.values())
    assert {mail.flags for mail in found.all} == {flags if has_status else None}


# Apple's and other folders of files named mbox


def test_a_file_called_mbox_is_the_mailbox_of_its_folder(tmp_path: Path) -> None:
    for folder in ("Work.mbox", "Lists/2026"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "mbox").write_bytes(LINE + LETTER)

    assert find(tmp_path).messages.keys() == {"Work", "Lists/2026"}
    assert find(tmp_path / "Work.mbox").messages.keys() == {"Work"}


def test_formats_that_nobody_here_reads_are_named(tmp_path: Path) -> None:
    (tmp_path / "mmdf").write_bytes(b"\1\1\1\1\n" + LETTER)
    (tmp_path / "letter.msg").write_bytes(b"\xd0\xcf\x11\xe0")
    (tmp_path / "Old.mbox").write_bytes(b"nonsense")
    (tmp_path / "Work").write_bytes(LINE + LETTER)

    found = find(tmp_path)

    assert found.octets == [LETTER]
    assert {Path(where).name for where in found.left_out} == {"mmdf", "letter.msg", "Old.mbox"}


# Outlook

READPST = """#!/bin/sh
for last; do :; done
while [ "$1" != "-o" ]; do shift; done
test -s "$last" || exit 1
mkdir "$2/Inbox"
printf 'From "ada" Mon Jan  5 12:00:00 2026\\nSubject: one\\n\\nbody\\n' > "$2/Inbox/mbox"
test "$(tail -c 7 "$last")" != "damaged" || { echo "bad block"; exit 1; }
"""


@contextmanager
def programs(folder: Path, **scripts: str) -> Iterator[None]:
    """Let PATH hold these programs and the system's, not what else is installed."""
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(stat.S_IRWXU)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}:/bin" if scripts else str(folder)
    try:
        yield
    finally:
        os.environ["PATH"] = before


def test_outlooks_files_are_read_through_readpst(tmp_path: Path) -> None:
    (tmp_path / "mail.pst").write_bytes(b"!BDN" + bytes(600))
    (tmp_path / "bin").mkdir()

    with programs(tmp_path / "bin", readpst=READPST):
        found = find(tmp_path / "mail.pst")

    assert found.messages.keys() == {"INBOX"}
    assert found.octets == [LETTER]
    assert not found.errors


def test_what_readpst_saves_of_a_damaged_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "mail.pst").write_bytes(b"!BDN" + bytes(600) + b"damaged")
    (tmp_path / "bin").mkdir()

    with programs(tmp_path / "bin", readpst=READPST):
        found = find(tmp_path / "mail.pst")

    assert found.octets == [LETTER]
    assert "bad block" in found.errors[0]


def test_without_readpst_the_message_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "mail.pst").write_bytes(b"!BDN" + bytes(600))

    with (
        programs(tmp_path),
        pytest.raises(UsageError, match="readpst is not installed") as error,
    ):
        find(tmp_path / "mail.pst")

    assert "pst-utils" in (error.value.hint or "")


def test_outlook_for_mac_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "mail.olm").write_bytes(b"PK\x03\x04" + bytes(600))

    with pytest.raises(UsageError, match="Outlook for Mac"):
        find(tmp_path / "mail.olm")


def test_exports_of_several_accounts_lie_below_their_names(tmp_path: Path) -> None:
    for account in ("work", "home"):
        with MboxDestination(tmp_path / "out" / account) as destination:
            destination.append(
                MailboxName(("a/b",)), b"A: b\n", flags=frozenset(), internal_date=None
            )

    found = find(tmp_path / "out")

    assert found.messages.keys() == {"home/a/b", "work/a/b"}
    assert found.octets == [b"A: b\n"] * 2


def test_a_profile_is_found_wherever_it_lies(tmp_path: Path) -> None:
    local = tmp_path / ".thunderbird" / "x1.default" / "Mail" / "Local Folders"
    local.mkdir(parents=True)
    (local / "Inbox").write_bytes(LINE + LETTER)
    (local.parents[1] / "prefs.js").touch()

    assert find(tmp_path / ".thunderbird").messages.keys() == {"Local Folders/Inbox"}


def test_kmails_folders_are_levels(tmp_path: Path) -> None:
    for folder in ("Work", ".Work.directory/Lists"):
        (tmp_path / folder / "cur").mkdir(parents=True)
        (tmp_path / folder / "cur" / "1.x:2,S").write_bytes(LETTER)

    assert find(tmp_path).messages.keys() == {"Work", "Work/Lists"}
