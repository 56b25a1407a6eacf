"""An export can be completed later, whatever it writes, and takes nothing twice."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from mailvault.destinations.eml import EmlDestination
from mailvault.destinations.mbox import MboxDestination
from mailvault.errors import DestinationError
from mailvault.mail.model import SEEN, Digest, MailboxName
from mailvault.ports import Destination, Resumable
from tests.contract.folders import (
    HELLO,
    HOSTILE,
    INBOX,
    KINDS,
    NOON,
    WORK,
    Kind,
    append,
    mboxes,
)


def messages_by_path(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in mboxes(root)}


def is_there(destination: Destination, octets: bytes) -> bool:
    assert isinstance(destination, Resumable)
    return destination.holds(WORK, Digest.of(octets), NOON)


@pytest.fixture(params=["maildir", "maildir-fs", "eml", "mbox", "mbox-thunderbird"])
def lasting_kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture(params=["maildir", "maildir-fs", "eml"])
def file_kind(request: pytest.FixtureRequest) -> Kind:
    """Those that keep each message in a file of its own."""
    return KINDS[request.param]


def test_an_export_can_be_completed(lasting_kind: Kind, root: Path) -> None:
    with lasting_kind.open(root) as destination:
        for octets in (b"a", b"b", b"b"):
            append(destination, octets, WORK, "$Label")
    with lasting_kind.open(root) as destination:
        for octets in (b"a", b"b", b"b", b"b", b"c"):
            append(destination, octets, WORK, SEEN)

    assert lasting_kind.read(root) == Counter({b"a": 1, b"b": 3, b"c": 1})


def test_what_is_there_stays_as_it_is(file_kind: Kind, root: Path) -> None:
    with file_kind.open(root) as destination:
        append(destination, b"a", WORK, "$Label")
    before = messages_by_path(root)

    with file_kind.open(root) as destination:
        append(destination, b"a", WORK, SEEN)
        append(destination, b"b", WORK, SEEN)

    assert before.items() < messages_by_path(root).items()


def test_what_is_there_is_known_without_its_octets(lasting_kind: Kind, root: Path) -> None:
    with lasting_kind.open(root) as destination:
        assert not is_there(destination, b"a")
        append(destination, b"a", WORK)
        append(destination, b"a", WORK)

    with lasting_kind.open(root) as destination:
        found = [is_there(destination, b"a") for _ in range(3)]
        assert not is_there(destination, b"b")
        append(destination, b"a", WORK)

    assert found == [True, True, False]
    assert lasting_kind.read(root) == Counter({b"a": 3})


def test_copies_of_different_dates_are_kept_apart(lasting_kind: Kind, root: Path) -> None:
    with lasting_kind.open(root) as destination:
        append(destination, b"a", WORK)

    with lasting_kind.open(root) as destination:
        later = NOON + timedelta(seconds=1)
        destination.append(WORK, b"a", flags=frozenset(), internal_date=later)
        append(destination, b"a", WORK)

    assert lasting_kind.read(root) == Counter({b"a": 2})


def test_completing_a_complete_export_changes_nothing(lasting_kind: Kind, root: Path) -> None:
    mailboxes = [MailboxName(parts) for parts in HOSTILE]
    for order in (mailboxes, mailboxes, mailboxes[::-1]):
        with lasting_kind.open(root) as destination:
            for number, mailbox in enumerate(order):
                append(destination, b"%d" % (mailboxes.index(mailbox)), mailbox)
                assert number < len(mailboxes)

    assert lasting_kind.read(root) == Counter(b"%d" % n for n in range(len(mailboxes)))


def test_mailboxes_by_turns_lose_no_copy(lasting_kind: Kind, root: Path) -> None:
    for _ in range(2):
        with lasting_kind.open(root) as destination:
            for mailbox in (INBOX, WORK, INBOX):
                append(destination, HELLO, mailbox)

    assert lasting_kind.read(root)[HELLO] >= 3


def test_what_a_killed_export_left_half_is_removed(file_kind: Kind, root: Path) -> None:
    with file_kind.open(root) as destination:
        append(destination, HELLO)
    parents = {
        path.parent for path, octets in messages_by_path(root).items() if octets == HELLO
    }
    folder = parents.pop()
    half = (folder.parent / "tmp" if folder.name == "cur" else folder) / f".{'0' * 16}.partial"
    half.write_bytes(b"half")

    with file_kind.open(root) as destination:
        append(destination, HELLO)

    assert not half.exists()
    assert file_kind.read(root) == Counter([HELLO])


def test_an_export_in_another_format_is_refused(lasting_kind: Kind, root: Path) -> None:
    other = EmlDestination if lasting_kind.open is MboxDestination else MboxDestination
    with other(root) as destination:
        append(destination, HELLO)

    with pytest.raises(DestinationError, match="is not empty"):
        lasting_kind.open(root).__enter__()


def test_two_exports_at_once_are_refused(lasting_kind: Kind, root: Path) -> None:
    with lasting_kind.open(root), pytest.raises(DestinationError, match="another export"):
        lasting_kind.open(root).__enter__()


def test_a_record_that_names_other_paths_is_not_believed(
    lasting_kind: Kind, root: Path
) -> None:
    with lasting_kind.open(root):
        pass
    (record,) = root.glob("*mailvault-export.jsonl")
    with record.open("a") as file:
        file.write('{"mailbox": ["Sent"], "path": [".."]}\n["x"]\n{"mailbox": 5}\n{"torn')

    with lasting_kind.open(root) as destination:
        append(destination, HELLO, MailboxName(("Sent",)))

    assert lasting_kind.read(root) == Counter([HELLO])
    assert record.read_text().endswith("\n")
