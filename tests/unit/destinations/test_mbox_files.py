"""mbox files are completed only where they are as the export left them."""

import re
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from mailvault.destinations import mbox_file
from mailvault.destinations.mbox import MboxDestination, MboxLayout
from mailvault.errors import DestinationError
from mailvault.mail.mbox import status_fields, unquote, with_status
from mailvault.mail.model import (
    ANSWERED,
    DELETED,
    DRAFT,
    FLAGGED,
    SEEN,
    Flag,
    MailboxName,
)
from tests.contract.folders import HELLO, INBOX, NOON, WORK, append, read_mboxes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "export"


def test_a_file_that_another_program_changed_is_left_alone(root: Path) -> None:
    with MboxDestination(root) as destination:
        append(destination, HELLO)
        append(destination, HELLO, WORK)
    inbox = root / "INBOX.mbox"
    changed = inbox.read_bytes() + b"From x\nmine\n\n"
    inbox.write_bytes(changed)

    with MboxDestination(root) as destination:
        with pytest.raises(DestinationError, match="not as the export left it"):
            append(destination, b"new")
        append(destination, b"new", WORK)

    assert inbox.read_bytes() == changed
    assert (root / "Work/2026.mbox").read_bytes().count(b"\nFrom ") == 1


def test_a_file_that_was_taken_away_is_written_anew(root: Path) -> None:
    with MboxDestination(root) as destination:
        append(destination, HELLO)
    (root / "INBOX.mbox").unlink()

    for _ in range(2):
        with MboxDestination(root) as destination:
            append(destination, HELLO)

    assert read_mboxes(root) == Counter([HELLO])


def interrupt(root: Path, messages: int) -> None:
    """Leave an export half done."""
    with suppress(KeyboardInterrupt), MboxDestination(root) as destination:
        for number in range(messages):
            append(destination, b"%d" % number)
        raise KeyboardInterrupt


def test_a_half_file_that_lost_its_end_is_written_anew(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mbox_file, "MARK_MESSAGES", 2)
    interrupt(root, 5)
    (half,) = root.glob(".INBOX.mbox.partial")
    half.write_bytes(half.read_bytes()[:20])

    with MboxDestination(root) as destination:
        for number in range(6):
            append(destination, b"%d" % number)

    assert read_mboxes(root) == Counter(b"%d" % number for number in range(6))


def test_what_was_written_after_the_last_mark_is_cut_off(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mbox_file, "MARK_MESSAGES", 2)
    interrupt(root, 4)
    with (root / ".INBOX.mbox.partial").open("ab") as half:
        half.write(b"From MAILER-DAEMON Mon Jan  5 12:00:00 2026\nhalf of a mess")

    with MboxDestination(root) as destination:
        for number in range(5):
            append(destination, b"%d" % number)

    assert read_mboxes(root) == Counter(b"%d" % number for number in range(5))


def test_killed_while_a_file_was_being_named_it_is_whole(root: Path) -> None:
    with MboxDestination(root) as destination:
        append(destination, HELLO)
    (root / ".INBOX.mbox.partial").hardlink_to(root / "INBOX.mbox")

    with MboxDestination(root) as destination:
        append(destination, HELLO)
        append(destination, b"new")

    assert read_mboxes(root) == Counter([HELLO, b"new"])
    assert not list(root.glob(".*.partial"))


def test_thunderbird_finds_mailboxes_and_nothing_else(root: Path) -> None:
    names = [("INBOX",), ("Work", "2026"), ("Work",), ("a.sbd",), ("b.msf",), ("#c~",)]

    with MboxDestination(root, layout=MboxLayout.THUNDERBIRD) as destination:
        for parts in names:
            append(destination, HELLO, MailboxName(parts))

    shown = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    assert shown == [
        "%23c%7E",
        ".mailvault-export.jsonl",
        "INBOX",
        "Work",
        "Work.sbd",
        "Work.sbd/2026",
        "a%2Esbd",
        "b%2Emsf",
    ]


EVERYTHING = frozenset({SEEN, ANSWERED, FLAGGED, DELETED, DRAFT, Flag("$Forwarded"), Flag("x")})


def test_status_fields_tell_of_all_flags() -> None:
    assert status_fields(EVERYTHING, b"\n").decode().splitlines() == [
        "Status: RO",
        "X-Status: ADFT",
        "X-Keywords: $Forwarded x",
        "X-Mozilla-Status: 100f",
        "X-Mozilla-Status2: 00000000",
        "X-Mozilla-Keys: $Forwarded x",
    ]
    assert status_fields(frozenset(), b"\r\n") == (
        b"Status: O\r\nX-Mozilla-Status: 0000\r\nX-Mozilla-Status2: 00000000\r\n"
    )


def test_keywords_that_could_break_a_header_are_left_out() -> None:
    flags = frozenset({Flag("a\nSubject: x"), Flag("ä"), Flag("b c"), Flag("fine")})

    assert b"X-Keywords: fine\n" in status_fields(flags, b"\n")


@pytest.mark.parametrize(
    ("octets", "end"),
    [(b"a: b\r\n\r\nx\n", b"\r\n"), (b"a: b\n\nx\r\n", b"\n"), (b"", b"\r\n"), (b"x", b"\r\n")],
)
def test_status_fields_end_as_the_message_does(octets: bytes, end: bytes) -> None:
    whole = b"".join(with_status([octets], frozenset({SEEN})))

    assert whole.endswith(octets)
    assert whole.startswith(b"Status: RO" + end)


def test_octets_come_back_when_the_status_is_taken_off(root: Path) -> None:
    octets = b"From me\r\n>From you\r\nSubject: x\r\n\r\nFrom here\r\n"
    with MboxDestination(root, has_status=True) as destination:
        destination.append(INBOX, octets, flags=EVERYTHING, internal_date=NOON)

    written = (root / "INBOX.mbox").read_bytes().split(b"\n", 1)[1].removesuffix(b"\n")

    fields = re.compile(rb"\A(?:(?:X-)?(?:Status|Keywords|Mozilla-\w+): [^\r\n]*\r\n)+")
    assert fields.sub(b"", unquote(written)) == octets
