"""A zip file holds what a folder would, and other programs read it."""

import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailvault.destinations import zip_formats
from mailvault.destinations.maildir import Layout
from mailvault.destinations.mbox import MboxLayout
from mailvault.destinations.zip_writer import ZipWriter
from mailvault.destinations.zipped import ZipDestination
from mailvault.destinations.zipped_mbox import ZippedMboxDestination
from mailvault.errors import DestinationError
from mailvault.mail.model import Digest, MailboxName
from mailvault.mail.zip_records import ZipEntry, central_header, end_of_directory
from mailvault.ports import Destination, Resumable
from tests.contract.folders import (
    HELLO,
    HOSTILE,
    INBOX,
    NOON,
    WORK,
    Stream,
    append,
    read_files,
    read_maildirs,
    read_mboxes,
)
from tests.corpus.odd import oddities
from tests.servers.unzipping import unzip
from tests.unit.destinations.interruptions import WANTED, Stopped, fill

Open = Callable[[Path], Destination]
Read = Callable[[Path], Counter[bytes]]
KINDS: dict[str, tuple[Open, Read]] = {
    "maildir": (
        lambda path: ZipDestination(path, zip_formats.maildir(Layout.MAILDIR_PLUS_PLUS)),
        read_maildirs,
    ),
    "maildir-fs": (
        lambda path: ZipDestination(path, zip_formats.maildir(Layout.FILE_SYSTEM)),
        read_maildirs,
    ),
    "eml": (lambda path: ZipDestination(path, zip_formats.eml()), read_files),
    "mbox": (ZippedMboxDestination, read_mboxes),
    "mbox-thunderbird": (
        lambda path: ZippedMboxDestination(path, layout=MboxLayout.THUNDERBIRD),
        read_mboxes,
    ),
}


class Kind:
    """A kind of zip file in a folder of its own."""

    def __init__(self, name: str, folder: Path) -> None:
        self.open_at, self._read = KINDS[name]
        self.folder = folder
        self.path = folder / "mail.zip"

    def open(self) -> Destination:
        return self.open_at(self.path)

    def read(self) -> Counter[bytes]:
        """Unpack it with Python's zipfile, and read what came out."""
        unpacked = self.folder.parent / "unpacked"
        shutil.rmtree(unpacked, ignore_errors=True)
        with zipfile.ZipFile(self.path) as archive:
            assert archive.testzip() is None
            assert len(set(archive.namelist())) == len(archive.namelist())
            archive.extractall(unpacked)
        return self._read(unpacked)


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    return Kind(request.param, tmp_path / "folder")


def test_the_octets_are_the_very_same(kind: Kind) -> None:
    messages = [oddity.octets for oddity in oddities()]

    with kind.open() as destination:
        for octets in messages:
            append(destination, octets)
        append(destination, HELLO, WORK)
        append(destination, Stream(b"piece by piece\r\n" * 5000, 7000), WORK)

    assert kind.read() == Counter([*messages, HELLO, b"piece by piece\r\n" * 5000])
    assert [path.name for path in kind.folder.iterdir()] == ["mail.zip"]


def test_a_message_that_stands_twice_is_written_twice(kind: Kind) -> None:
    with kind.open() as destination:
        for _ in range(3):
            append(destination, HELLO)

    assert kind.read() == Counter({HELLO: 3})


def test_a_message_that_breaks_off_leaves_nothing(kind: Kind) -> None:
    with kind.open() as destination:
        append(destination, HELLO)
        with pytest.raises(DestinationError):
            append(destination, Stream(b"half of it\r\n" * 100, 64, is_torn=True))
        append(destination, HELLO)

    assert kind.read() == Counter({HELLO: 2})


def test_hostile_names_stay_inside_and_apart(kind: Kind) -> None:
    with kind.open() as destination:
        for number, parts in enumerate(HOSTILE):
            append(destination, b"%d" % number, MailboxName(parts))

    with zipfile.ZipFile(kind.path) as archive:
        for name in archive.namelist():
            assert not name.startswith("/")
            assert ".." not in name.split("/")
    assert kind.read().total() == len(HOSTILE)


def test_a_file_that_is_there_is_never_replaced(kind: Kind) -> None:
    kind.folder.mkdir()
    kind.path.write_text("mine")

    with pytest.raises(DestinationError, match="is there already"):
        kind.open().__enter__()

    assert kind.path.read_text() == "mine"
    assert [path.name for path in kind.folder.iterdir()] == ["mail.zip"]


def test_what_appears_meanwhile_is_not_replaced(kind: Kind) -> None:
    destination = kind.open()
    destination.__enter__()
    append(destination, HELLO)
    kind.path.write_text("mine")

    with pytest.raises(DestinationError, match="appeared"):
        destination.__exit__(None, None, None)

    assert kind.path.read_text() == "mine"


def test_an_interrupted_export_goes_on(kind: Kind) -> None:
    for until in (3, 10, 25, 25, 59, 0):
        with suppress(Stopped), kind.open() as destination:
            fill(destination, until=until)
    with kind.open() as destination:
        fill(destination)

    assert kind.read() == WANTED
    assert [path.name for path in kind.folder.iterdir()] == ["mail.zip"]


def test_killed_after_it_was_named_it_is_complete(kind: Kind) -> None:
    with kind.open() as destination:
        fill(destination)
    whole = kind.path.read_bytes()
    kind.path.unlink()
    with suppress(Stopped), kind.open() as destination:
        fill(destination, until=59)
    record = next(path for path in kind.folder.iterdir() if path.suffix == ".jsonl")
    kept = record.read_bytes()
    with kind.open() as destination:
        fill(destination)
    record.write_bytes(kept)

    with suppress(DestinationError), kind.open() as destination:
        for number in range(30):
            octets = b"message %d\r\n" % number
            mailbox = MailboxName(("Box", str(number // 10)))
            assert isinstance(destination, Resumable)
            assert destination.holds(mailbox, Digest.of(octets), NOON)
            with pytest.raises(DestinationError):
                append(destination, b"more", mailbox)

    assert kind.read() == WANTED
    assert len(whole) > 0
    assert [path.name for path in kind.folder.iterdir()] == ["mail.zip"]


def test_an_export_of_another_kind_is_not_continued(tmp_path: Path) -> None:
    first, other = Kind("eml", tmp_path), Kind("mbox", tmp_path)
    with suppress(Stopped), first.open() as destination:
        fill(destination, until=5)

    with pytest.raises(DestinationError, match="another kind"):
        other.open().__enter__()


@pytest.mark.parametrize("name", ["maildir", "eml"])
def test_dates_are_exact(name: str, tmp_path: Path) -> None:
    kind = Kind(name, tmp_path / "folder")
    dates = [
        datetime(2020, 2, 29, 1, 2, 3, tzinfo=UTC),
        datetime(1971, 1, 1, 0, 0, 1, tzinfo=UTC),
        datetime(2037, 6, 30, 23, 59, 59, tzinfo=UTC),
    ]
    with kind.open() as destination:
        for date in dates:
            destination.append(INBOX, HELLO, flags=frozenset(), internal_date=date)

    unzip(kind.path, tmp_path / "out")

    found = [path.stat().st_mtime for path in (tmp_path / "out").rglob("*") if is_hello(path)]
    assert sorted(found) == sorted(date.timestamp() for date in dates)


def is_hello(path: Path) -> bool:
    return path.is_file() and path.read_bytes() == HELLO


def test_keywords_of_all_runs_are_in_the_maildir(tmp_path: Path) -> None:
    kind = Kind("maildir", tmp_path / "folder")
    with suppress(Stopped), kind.open() as destination:
        append(destination, b"1", WORK, "$One")
        append(destination, b"2", INBOX, "$Other")
        raise Stopped
    with kind.open() as destination:
        append(destination, b"1", WORK, "$One")
        append(destination, b"3", WORK, "$Two")

    with zipfile.ZipFile(kind.path) as archive:
        assert archive.read(".Work.2026/dovecot-keywords") == b"0 $One\n1 $Two\n"
        assert archive.read("dovecot-keywords") == b"0 $Other\n"
        assert [name[-1] for name in archive.namelist() if ".Work.2026/cur/1" in name] == [
            "a",
            "b",
        ]


def test_a_zip_file_may_be_longer_than_four_gibibytes(tmp_path: Path) -> None:
    path = tmp_path / "big.zip"
    with path.open("w+b", buffering=0) as file:
        file.truncate(5 << 30)  # a hole; offsets count from the beginning
        writer = ZipWriter(file.fileno())
        entries = list(many_files(writer))
        start = writer.at
        for entry in entries:
            writer.raw(central_header(entry))
        writer.raw(end_of_directory(len(entries), writer.at - start, start))

    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 70_001
        assert archive.read("69999") == b"x"
        assert archive.read("unknown") == HELLO
        assert archive.getinfo("unknown").file_size == len(HELLO)


def many_files(writer: ZipWriter) -> Iterator[ZipEntry]:
    for number in range(70_000):  # more than a zip file without zip64 can count
        yield writer.write(str(number), [b"x"], mtime=None, size=1)
    writer.begin("unknown", mtime=1, size=None)
    writer.feed(HELLO)
    yield writer.end()
