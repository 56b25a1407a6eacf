"""The destinations that write files, what is written to them, and ways to read it back."""

import contextlib
import mailbox as programs
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mailvault.destinations.eml import EmlDestination
from mailvault.destinations.maildir import Layout, MaildirDestination
from mailvault.destinations.mbox import MboxDestination, MboxLayout
from mailvault.mail.mbox import unquote
from mailvault.mail.model import MailboxName, Octets
from mailvault.ports import Destination
from tests.flags import build_flags

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


def append(
    destination: Destination, octets: Octets, mailbox: MailboxName = INBOX, *flags: str
) -> None:
    destination.append(
        mailbox,
        octets,
        flags=build_flags(*flags),
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
