"""What every destination promises, whatever it writes."""

import contextlib
import mailbox as programs
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from mailvault.destinations.eml import EmlDestination
from mailvault.destinations.maildir import Layout, MaildirDestination
from mailvault.destinations.mbox import MboxDestination, MboxLayout
from mailvault.errors import DestinationError
from mailvault.mail.maildir import FileName
from mailvault.mail.mbox import unquote
from mailvault.mail.model import SEEN, Digest, Flag, MailboxName, Octets
from mailvault.ports import Destination, Resumable
from tests.corpus.odd import oddities

INBOX = MailboxName(("INBOX",))
WORK = MailboxName(("Work", "2026"))
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HELLO = b"Subject: hello\r\n\r\nhello\r\n"

HOSTILE = [
    ("..", "..", "escaped"),
    ("/etc", "passwd"),
    ("~root",),
    ("cur",),
    ("cur", "new", "tmp"),
    ("a\0b",),
    ("a\nb\x1b[2J",),
    ("`touch pwned`",),
    ("",),
    ("", ""),
    (".",),
    (".hidden",),
    ("a.b",),
    ("a", "b"),
    ("a/b",),
    ("Trash",),
    ("trash",),
    ("\u00e4",),
    ("a\u0308",),
    ("x" * 10_000,),
    ("x" * 10_001,),
    ("con",),
    ("mail.mbox",),
    ("mail.mbox", "inner"),
    ("mail",),
    ("mailvault-export.jsonl",),
    ("dovecot-keywords",),
    ("inbox.eml",),
    ("deep",) * 60,
    ("INBOX", "INBOX"),
    ("\ud800",),
]

Open = Callable[[Path], Destination]
Read = Callable[[Path], Counter[bytes]]


@dataclass(frozen=True)
class Kind:
    """A destination, how its octets are read directly, and how by Python's mailbox."""

    open: Open
    read: Read
    read_by_others: Read
    knows_dates: bool = True


def read_maildirs(root: Path) -> Counter[bytes]:
    return Counter(path.read_bytes() for path in root.rglob("*") if path.parent.name == "cur")


def read_files(root: Path) -> Counter[bytes]:
    return Counter(path.read_bytes() for path in root.rglob("*.eml") if path.is_file())


def read_mboxes(root: Path) -> Counter[bytes]:
    """By the rule of mailvault.mail.mbox, written down a second time."""
    found: Counter[bytes] = Counter()
    for path in mboxes(root):
        if octets := path.read_bytes():
            assert octets.startswith(b"From ")
            for message in (b"\n" + octets).split(b"\nFrom ")[1:]:
                quoted = message.split(b"\n", 1)[1]
                found[
                    unquote(quoted.removesuffix(b"\n") if is_last(message, octets) else quoted)
                ] += 1
    return found


def mboxes(root: Path) -> list[Path]:
    """The files that are mailboxes: those of an export that is under way have no such name."""
    records = {root / "mailvault-export.jsonl", root / ".mailvault-export.jsonl"}
    return [path for path in root.rglob("*") if path.is_file() and path not in records]


def is_last(message: bytes, octets: bytes) -> bool:
    return octets.endswith(b"From " + message)


def read_maildirs_by_others(root: Path) -> Counter[bytes]:
    top = programs.Maildir(root, create=False)
    boxes = [top, *(top.get_folder(name) for name in top.list_folders())]
    return Counter(box.get_bytes(key) for box in boxes for key in box.iterkeys())


def read_mboxes_by_others(root: Path) -> Counter[bytes]:
    found: Counter[bytes] = Counter()
    for path in mboxes(root):
        if path.stat().st_size:
            with contextlib.closing(programs.mbox(path, create=False)) as box:
                found.update(unquote(box.get_bytes(key)) for key in box.iterkeys())
    return found


def read_nested_maildirs_by_others(root: Path) -> Counter[bytes]:
    boxes = (programs.Maildir(cur.parent, create=False) for cur in root.rglob("cur"))
    return Counter(box.get_bytes(key) for box in boxes for key in box.iterkeys())


KINDS = {
    "maildir": Kind(MaildirDestination, read_maildirs, read_maildirs_by_others),
    "maildir-fs": Kind(
        lambda path: MaildirDestination(path, layout=Layout.FILE_SYSTEM),
        read_maildirs,
        read_nested_maildirs_by_others,
    ),
    "eml": Kind(EmlDestination, read_files, read_files),
    "mbox": Kind(MboxDestination, read_mboxes, read_mboxes_by_others, knows_dates=False),
    "mbox-thunderbird": Kind(
        lambda path: MboxDestination(path, layout=MboxLayout.THUNDERBIRD),
        read_mboxes,
        read_mboxes_by_others,
        knows_dates=False,
    ),
}


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outer" / "export"


def append(
    destination: Destination, octets: Octets, mailbox: MailboxName = INBOX, *flags: str
) -> None:
    destination.append(
        mailbox,
        octets,
        flags=frozenset(map(Flag, flags)),
        internal_date=NOON,
    )


@dataclass
class Stream:
    """A message in pieces of any size."""

    octets: bytes
    piece: int
    is_torn: bool = False

    @property
    def size(self) -> int:
        return len(self.octets)

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.octets), self.piece):
            yield self.octets[start : start + self.piece]
        if self.is_torn:
            raise OSError("the disk is broken")

    def discard(self) -> None:
        pass


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
