"""What real servers do not take, and what a restore makes of it: one bend a test."""

import re
from collections import Counter
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.demo.mailbox import ServedAccount
from mailvault.destinations.eml import EmlDestination
from mailvault.mail.model import MailboxName
from tests.flags import build_flags
from tests.servers.bent import as_it_should
from tests.unit.operations.restore.bent_target import (
    COUNT,
    PutBack,
    appended,
    bodies,
    is_append,
    keep,
    octets_of,
    refusing,
)


@pytest.mark.parametrize(
    "withheld",
    [
        (),
        (b"UIDPLUS",),
        (b"MULTIAPPEND",),
        (b"LITERAL+",),
        (b"UIDPLUS", b"MULTIAPPEND", b"LITERAL+"),
    ],
    ids=["all", "no UIDPLUS", "no MULTIAPPEND", "no LITERAL+", "none"],
)
def test_a_server_that_offers_less_gets_the_same(
    put_back: PutBack, target: ServedAccount, twenty: list[bytes], withheld: tuple[bytes, ...]
) -> None:
    def without_uids(_: bytes, answer: list[bytes]) -> list[bytes]:
        return [re.sub(rb"\[APPENDUID [^\]]*\] ", b"", piece) for piece in answer]

    bend = without_uids if b"UIDPLUS" in withheld else as_it_should
    first = put_back(bend, withheld=withheld)
    again = put_back(bend, withheld=withheld)

    assert bodies(target) == twenty
    assert (appended(first), appended(again)) == (COUNT, 0)
    assert first.exit_code == again.exit_code == 0


def test_a_message_too_large_is_not_even_sent(
    put_back: PutBack, target: ServedAccount, archive: Archive
) -> None:
    keep(archive, octets_of(1), b"Subject: large\r\n\r\n" + b"x" * 2_000, octets_of(2))

    def limited(command: bytes, answer: list[bytes]) -> list[bytes]:
        assert not is_append(command) or b"large" not in command
        return [re.sub(rb"UIDPLUS", b"UIDPLUS APPENDLIMIT=1000", piece) for piece in answer]

    report = put_back(limited)

    assert bodies(target) == [octets_of(1), octets_of(2)]
    assert [each.reason for each in report.refused] == [
        "2018 octets are more than the server takes: 1000"
    ]
    assert report.exit_code == 3


def test_one_refused_message_stops_no_other(
    put_back: PutBack,
    target: ServedAccount,
    twenty: list[bytes],
    archive: Archive,
    tmp_path: Path,
) -> None:
    with EmlDestination(tmp_path / "rejects", outside=archive.path) as rejects:
        report = put_back(
            refuse=refusing(b"NO I do not like it", having=b"number 7\r\n"),
            rejects=rejects,
        )

    assert Counter(bodies(target)) == Counter(twenty) - Counter([twenty[6]])
    assert [each.reason for each in report.refused] == ["I do not like it"]
    assert [p.read_bytes() for p in (tmp_path / "rejects").rglob("*.eml")] == [twenty[6]]
    assert report.exit_code == 3


def test_a_full_quota_leaves_room_for_small_messages(
    put_back: PutBack, target: ServedAccount, twenty: list[bytes]
) -> None:
    def full(command: bytes) -> bytes | None:
        held = sum(map(len, bodies(target)))
        sent = sum(int(n) for n in re.findall(rb"\{(\d+)\+?\}\r\n", command))
        return (
            b"NO [OVERQUOTA] Quota exceeded"
            if is_append(command) and held + sent > 700
            else None
        )

    report = put_back(refuse=full, withheld=(b"MULTIAPPEND",))

    assert bodies(target)
    assert len(bodies(target)) + len(report.refused) == COUNT
    assert all("uota" in each.reason for each in report.refused)
    assert report.exit_code == 3


def test_flags_that_are_not_kept_are_cut_and_reported(
    put_back: PutBack, target: ServedAccount, archive: Archive
) -> None:
    keep(archive, octets_of(1), octets_of(2), flags="\\Seen $Label \\Flagged")

    def few(_: bytes, answer: list[bytes]) -> list[bytes]:
        return [
            re.sub(rb"PERMANENTFLAGS \([^)]*\)", rb"PERMANENTFLAGS (\\Seen)", p) for p in answer
        ]

    report = put_back(few)

    assert {m.flags for m in target.mailbox("INBOX").messages.values()} == {
        frozenset({"\\Seen"})
    }
    (cut,) = report.flags_cut
    assert (cut.flags, cut.messages) == (build_flags("$Label", "\\Flagged"), 2)
    assert report.exit_code == 0


def test_a_flag_that_is_refused_costs_the_flag_and_not_the_message(
    put_back: PutBack, target: ServedAccount, archive: Archive
) -> None:
    keep(archive, octets_of(1), flags="\\Seen $NotJunk")

    report = put_back(refuse=refusing(b"BAD Invalid system flag", having=b"$NotJunk"))

    (message,) = target.mailbox("INBOX").messages.values()
    assert message.flags == {"\\Seen"}
    assert [cut.flags for cut in report.flags_cut] == [{"$NotJunk"}]
    assert not report.refused


@pytest.mark.parametrize(
    ("octets", "having", "taken", "how"),
    [
        (b"A: b\r\n\r\nx\0y\r\n", b"\0", b"A: b\r\n\r\nx\x80y\r\n", "NUL"),
        (
            b"A: \xc3\xa4\r\n\r\nx\r\n",
            b"\xc3",
            b"A: =?utf-8?B?w6Q=?=\r\n\r\nx\r\n",
            "encoded words",
        ),
        (
            b"A: b\r\n\r\n" + b"x" * 1500 + b"\r\n",
            b"x" * 999,
            b"A: b\r\n\r\n" + b"x" * 998 + b"\r\n" + b"x" * 502 + b"\r\n",
            "broken",
        ),
    ],
    ids=["NUL", "header", "long line"],
)
def test_octets_are_changed_only_if_asked(
    put_back: PutBack,
    target: ServedAccount,
    archive: Archive,
    octets: bytes,
    having: bytes,
    taken: bytes,
    how: str,
) -> None:
    keep(archive, octets)
    unliked = refusing(b"NO Not like this", having=having)

    refused = put_back(refuse=unliked)
    assert bodies(target) == []
    fixed = put_back(refuse=unliked, fix=True)
    again = put_back(refuse=unliked, fix=True)

    assert len(refused.refused) == 1
    assert bodies(target) == [taken]
    assert how in fixed.altered[0].how
    assert "Not like this" in fixed.altered[0].how
    assert appended(again) == 0


def test_a_server_that_cannot_tell_names_apart_loses_none(
    put_back: PutBack, target: ServedAccount, archive: Archive
) -> None:
    for number, name in enumerate(("Trash", "trash", "TRASH"), 1):
        keep(archive, octets_of(number), name=MailboxName((name,)))

    def one_case(command: bytes) -> bytes | None:
        found = re.match(rb'\S+ CREATE "([^"]*)"', command)
        made = {str(mailbox.name).lower() for mailbox in target.mailboxes()}
        is_taken = found is not None and found[1].decode().lower() in made
        return b"NO [ALREADYEXISTS] There is one" if is_taken else None

    report = put_back(refuse=one_case)
    again = put_back(refuse=one_case)

    targets = [str(each.target) for each in report.mailboxes]
    assert targets == ["TRASH", "Trash (2)", "trash (3)"]
    assert [bodies(target, path) for path in targets] == [[octets_of(n)] for n in (3, 1, 2)]
    assert appended(again) == 0
    assert any("Trash goes to Trash (2)" in note for note in report.notes)


def test_a_mailbox_without_a_place_is_listed_message_by_message(
    put_back: PutBack, archive: Archive
) -> None:
    keep(archive, octets_of(1), octets_of(2), name=MailboxName(("Odd",)))

    report = put_back(refuse=lambda command: b"NO Never" if b" CREATE " in command else None)

    assert [each.reason for each in report.refused] == ["no mailbox for it: Never"] * 2
    assert [each.target for each in report.mailboxes] == [None]


def test_a_dry_run_foresees_what_it_can(put_back: PutBack, archive: Archive) -> None:
    keep(archive, b"A: \xe4\r\n\r\n\0" + b"x" * 1200, octets_of(1), flags="$Label")

    def limited(command: bytes, answer: list[bytes]) -> list[bytes]:
        assert not re.match(rb"\S+ (APPEND|CREATE|SUBSCRIBE)", command)
        answer = [re.sub(rb"UIDPLUS", b"UIDPLUS QUOTA", piece) for piece in answer]
        answer = [re.sub(rb"PERMANENTFLAGS \([^)]*\)", b"PERMANENTFLAGS ()", p) for p in answer]
        if b" GETQUOTAROOT " in command:
            tag = command.partition(b" ")[0]
            return [b'* QUOTAROOT INBOX ""\r\n* QUOTA "" (STORAGE 9 10)\r\n', tag + b" OK\r\n"]
        return answer

    report = put_back(limited, dry_run=True)

    said = " ".join(report.notes)
    assert all(word in said for word in ("NUL", "above ASCII", "998", "line end", "quota"))
    assert [cut.flags for cut in report.flags_cut] == [{"$Label"}]
    assert appended(report) == 2
