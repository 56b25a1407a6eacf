"""Files of one message each: .eml and Apple Mail's .emlx."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailvault.destinations.eml import EmlDestination
from mailvault.mail.model import MailboxName
from tests.flags import build_flags
from tests.unit.sources.found_mail import find

LETTER = b"Subject: one\r\n\r\nbody\r\n"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
PROPERTIES = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/x.dtd">
<plist version="1.0"><dict>
<key>date-received</key><integer>1767614400</integer>
<key>flags</key><integer>%d</integer>
</dict></plist>
"""


def emlx(octets: bytes, flags: int = 1) -> bytes:
    return b"%-10d\n" % len(octets) + octets + PROPERTIES % flags


def test_a_folder_is_a_mailbox(tmp_path: Path) -> None:
    folder = tmp_path / "Letters" / "Old"
    folder.mkdir(parents=True)
    (folder / "a.eml").write_bytes(LETTER)
    (folder.parent / "b.EML").write_bytes(LETTER)
    (folder / "notes.txt").write_text("not mail")

    found = find(tmp_path / "Letters")

    assert {name: len(mails) for name, mails in found.messages.items()} == {
        "Letters": 1, "Old": 1
    }  # fmt: skip
    assert {mail.flags for mail in found.all} == {None}


def test_a_single_file_lies_in_the_inbox(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(LETTER)

    assert find(tmp_path / "a.eml").messages.keys() == {"INBOX"}


def test_octets_of_the_wire_stay_and_those_of_unix_get_its_line_ends(tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(b"A: b\r\n\r\none\ntwo\r\n")
    (tmp_path / "2.eml").write_bytes(b"A: b\n\none\ntwo")

    assert find(tmp_path).octets == [b"A: b\r\n\r\none\ntwo\r\n", b"A: b\r\n\r\none\r\ntwo"]


def test_the_line_that_an_mbox_has_before_a_message_is_no_part_of_it(tmp_path: Path) -> None:
    line = b"From ada@example.org Mon Jan  5 12:00:00 2026\n"
    (tmp_path / "1.eml").write_bytes(line + LETTER)

    (mail,) = find(tmp_path).all

    assert (mail.octets, mail.date) == (LETTER, NOON)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"Received: by x; Mon, 05 Jan 2026 13:00:00 +0100\r\nDate: x\r\n", NOON),
        (b"Received: by x\r\nDate: Mon, 05 Jan 2026 12:00:00 +0000\r\n", NOON),
        (b"Date: yesterday\r\n", datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)),
    ],
    ids=["received", "date", "file"],
)
def test_the_date_is_that_of_its_arrival(
    tmp_path: Path, header: bytes, expected: datetime
) -> None:
    path = tmp_path / "1.eml"
    path.write_bytes(header + LETTER)
    os.utime(path, (1_000_000_000, 1_000_000_000))

    assert find(tmp_path).all[0].date == expected


def test_files_come_in_the_order_a_person_expects(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        (tmp_path / f"{number}.eml").write_bytes(b"%d\r\n" % number)

    assert find(tmp_path).octets == [b"1\r\n", b"9\r\n", b"10\r\n"]


def test_files_without_an_ending_are_messages_if_the_user_says_so(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(LETTER)
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n")

    assert find(tmp_path).octets == []
    assert find(tmp_path).left_out == [str(tmp_path)]
    assert find(tmp_path, "eml").octets == [LETTER]


def test_apples_files_bring_flags_and_dates(tmp_path: Path) -> None:
    folder = tmp_path / "V10" / "Work.mbox" / "Lists.mbox" / "4E1B" / "Data" / "1" / "Messages"
    folder.mkdir(parents=True)
    (folder / "1.emlx").write_bytes(emlx(LETTER, 0b1_0001_0101))

    found = find(tmp_path / "V10")

    assert found.messages.keys() == {"Work/Lists"}
    (mail,) = found.all
    assert mail.octets == LETTER
    assert mail.flags == build_flags("\\Seen", "\\Answered", "\\Flagged", "$Forwarded")
    assert mail.date == NOON


def test_a_partial_message_is_taken_and_counted(tmp_path: Path) -> None:
    (tmp_path / "1.partial.emlx").write_bytes(emlx(LETTER))

    found = find(tmp_path)

    assert found.octets == [LETTER]
    assert "1 messages are partial" in found.errors[0]


@pytest.mark.parametrize(
    "properties", [b"", b"nonsense", b"<plist><dict><key>flags</key>", b"<plist>" * 5000]
)
def test_a_damaged_list_of_properties_says_nothing(tmp_path: Path, properties: bytes) -> None:
    (tmp_path / "1.emlx").write_bytes(b"%d\n" % len(LETTER) + LETTER + properties)

    (mail,) = find(tmp_path).all

    assert (mail.octets, mail.flags) == (LETTER, None)


def test_a_file_that_ends_before_its_message_is_owed(tmp_path: Path) -> None:
    (tmp_path / "1.emlx").write_bytes(b"5000\n" + LETTER)

    found = find(tmp_path)

    assert found.octets == []
    assert "ends too early" in found.unread[0]


def test_what_export_writes_comes_back_exactly(tmp_path: Path) -> None:
    written = [
        b"",
        b"\n",
        b"A: b\n\nc\n",
        b"From x Mon Jan  5 12:00:00 2026\nA: b\n",
        b"\x1f\x8b\x08",
    ]
    name = MailboxName(("Läbel", "a/b"))
    with EmlDestination(tmp_path / "export") as destination:
        destination.create(MailboxName(("Empty",)))
        for octets in written:
            destination.append(name, octets, flags=frozenset(), internal_date=NOON)

    found = find(tmp_path / "export")

    assert found.messages["Empty"] == []
    assert sorted(mail.octets for mail in found.messages["Läbel/a/b"]) == sorted(written)
    assert {mail.date for mail in found.all} == {NOON}
