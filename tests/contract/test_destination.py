"""What every destination promises, whatever it writes."""

import contextlib
import os
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from mailvault.destinations.maildir import MaildirDestination
from mailvault.errors import DestinationError
from mailvault.mail.maildir import FileName
from mailvault.mail.model import SEEN, MailboxName
from tests.contract.folders import (
    HELLO,
    HOSTILE,
    INBOX,
    WORK,
    Kind,
    Stream,
    append,
)
from tests.corpus.odd import oddities


def test_the_octets_are_the_very_same(kind: Kind, root: Path) -> None:
    messages = [oddity.octets for oddity in oddities()]

    with kind.open(root) as destination:
        for octets in messages:
            append(destination, octets)

    assert kind.read(root) == Counter(messages)


def test_other_programs_read_the_very_same_octets(kind: Kind, root: Path) -> None:
    # What lacks a line end at its end gets one from Python's mbox, and empty lines go.
    messages = [each.octets for each in oddities() if each.octets.endswith(b"\r\n")]
    messages = [octets.replace(b"\r\n", b"\n") for octets in messages]  # it reads text

    with kind.open(root) as destination:
        for octets in messages:
            append(destination, octets, WORK)

    assert kind.read_by_others(root) == Counter(messages)


@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_a_message_in_pieces_is_the_same(kind: Kind, root: Path, piece: int) -> None:
    octets = b"Subject: x\r\n\r\n" + b"From me\r\n>From you\nFrom \r\n" * 50

    with kind.open(root) as destination:
        append(destination, Stream(octets, piece))

    assert kind.read(root) == Counter([octets])


def test_a_message_that_stands_twice_is_written_twice(kind: Kind, root: Path) -> None:
    with kind.open(root) as destination:
        for _ in range(3):
            append(destination, HELLO)
        append(destination, HELLO, WORK)
        append(destination, HELLO, INBOX, SEEN)

    assert kind.read(root) == Counter({HELLO: 5})


def test_a_message_that_breaks_off_leaves_nothing(kind: Kind, root: Path) -> None:
    with kind.open(root) as destination:
        append(destination, HELLO)
        with pytest.raises(DestinationError):
            append(destination, Stream(b"half of it\r\n" * 100, 64, is_torn=True))
        append(destination, HELLO)

    assert kind.read(root) == Counter({HELLO: 2})
    assert not [path for path in root.rglob("*") if path.name.endswith(".partial")]


def test_the_date_of_a_message_is_that_of_its_file(kind: Kind, root: Path) -> None:
    east = datetime(2020, 2, 29, 1, 2, 3, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    with kind.open(root) as destination:
        destination.append(INBOX, HELLO, flags=frozenset(), internal_date=east)

    files = [path for path in root.rglob("*") if path.is_file() and path.read_bytes() == HELLO]
    assert [path.stat().st_mtime for path in files] == [east.timestamp()] * kind.knows_dates


def test_a_message_without_a_date_is_written(kind: Kind, root: Path) -> None:
    with kind.open(root) as destination:
        destination.append(INBOX, HELLO, flags=frozenset(), internal_date=None)

    assert kind.read(root) == Counter([HELLO])


def test_an_empty_mailbox_leaves_a_trace(kind: Kind, root: Path) -> None:
    with kind.open(root) as destination:
        destination.create(WORK)

    assert [path for path in root.rglob("*") if "2026" in path.name]


def test_hostile_names_stay_inside_and_apart(kind: Kind, root: Path) -> None:
    outer = root.parent.parent
    names = [MailboxName(parts) for parts in HOSTILE]

    with kind.open(root) as destination:
        for number, name in enumerate(names):
            append(destination, b"%d" % number, name)

    assert kind.read(root) == Counter(b"%d" % number for number in range(len(names)))
    assert [path for path in outer.rglob("*") if root not in path.parents] == [
        root.parent,
        root,
    ]
    folders = {
        path.parent for path in root.rglob("*") if path.is_file() and path.suffix == ".eml"
    }
    assert len(folders) in {0, len(names)}


def test_nobody_else_may_read_it(kind: Kind, root: Path) -> None:
    previous = os.umask(0)
    try:
        with kind.open(root) as destination:
            append(destination, HELLO, WORK, "$Label")
    finally:
        os.umask(previous)

    assert {path.stat().st_mode & 0o077 for path in [root, *root.rglob("*")]} == {0}


def test_a_folder_with_other_things_in_it_is_refused(kind: Kind, root: Path) -> None:
    root.mkdir(parents=True)
    (root / "thesis.txt").write_text("mine")

    with pytest.raises(DestinationError, match="is not empty") as refusal:
        kind.open(root).__enter__()

    assert refusal.value.hint is not None
    assert [path.name for path in root.iterdir()] == ["thesis.txt"]


def test_an_empty_folder_is_taken(kind: Kind, root: Path) -> None:
    root.mkdir(parents=True)

    with kind.open(root) as destination:
        append(destination, HELLO)

    assert kind.read(root) == Counter([HELLO])


def test_a_file_is_no_destination(kind: Kind, root: Path) -> None:
    root.parent.mkdir()
    root.write_text("mine")

    with pytest.raises(DestinationError):
        kind.open(root).__enter__()

    assert root.read_text() == "mine"


@pytest.mark.parametrize(
    "folder", ["cur", "Work", "INBOX", ".Work", ".Work.2026", "INBOX.mbox"]
)
def test_a_symbolic_link_in_the_destination_is_not_followed(
    kind: Kind, root: Path, tmp_path: Path, folder: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    with kind.open(root) as destination:
        if not (root / folder).exists():
            (root / folder).symlink_to(elsewhere)
        with contextlib.suppress(DestinationError):
            append(destination, HELLO, INBOX)
        with contextlib.suppress(DestinationError):
            append(destination, HELLO, WORK)

    assert not list(elsewhere.iterdir())


def test_the_record_says_which_mailbox_lies_where(kind: Kind, root: Path) -> None:
    with kind.open(root) as destination:
        append(destination, HELLO, MailboxName(("a/b.c", "\u00e4")))

    (record,) = root.glob("*mailvault-export.jsonl")
    assert '{"mailbox": ["a/b.c", "\\u00e4"], "path": [' in record.read_text()


def test_maildir_names_carry_flags_and_sizes(root: Path) -> None:
    octets = b"a: b\n\r\nx\n"

    with MaildirDestination(root) as destination:
        append(destination, octets, INBOX, "\\Seen", "\\Flagged", "$Forwarded", "$Label")

    (path,) = (root / "cur").iterdir()
    name = FileName.parse(path.name)
    assert name is not None
    assert (name.letters, name.size, name.crlf_size) == ("FPSab", 9, 11)
    assert (root / "dovecot-keywords").read_text() == "0 $Forwarded\n1 $Label\n"


def test_sizes_count_line_ends_across_pieces(root: Path) -> None:
    octets = b"a\r\nb\nc\r\n\r\n\n"

    with MaildirDestination(root) as destination:
        for piece in range(1, 6):
            append(destination, Stream(octets, piece))

    found = {FileName.parse(path.name) for path in (root / "cur").iterdir()}
    assert {(name.size, name.crlf_size) for name in found if name} == {(11, 13)}
