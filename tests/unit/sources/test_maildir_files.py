"""Maildirs: what is a message, how it is flagged, and in which mailbox it lies."""

import bz2
import gzip
import lzma
import mailbox
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from mailvault.destinations.maildir import Layout, MaildirDestination
from mailvault.mail.model import MailboxName
from tests.flags import build_flags
from tests.unit.sources.found_mail import find

LETTER = b"Subject: one\r\n\r\nbody\r\n"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def maildir(path: Path) -> Path:
    for name in ("cur", "new", "tmp"):
        (path / name).mkdir(parents=True)
    return path


def put(folder: Path, name: str, octets: bytes = LETTER) -> Path:
    path = folder / name
    path.write_bytes(octets)
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    return path


def test_names_tell_flags_and_times_tell_dates(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box")
    put(box / "cur", "1.a.host,S=21:2,FRSab")
    (box / "dovecot-keywords").write_text("0 $Forwarded\n1 Work\n")

    (mail,) = find(box).messages["INBOX"]

    assert mail.flags == build_flags("\\Flagged", "\\Answered", "\\Seen", "$Forwarded", "Work")
    assert mail.date == NOON


def test_what_is_new_has_no_flags_and_what_is_half_written_is_no_message(
    tmp_path: Path,
) -> None:
    box = maildir(tmp_path / "box")
    put(box / "new", "1.a.host")
    put(box / "tmp", "2.a.host")
    put(box / "cur", ".hidden")

    (mail,) = find(box).all

    assert mail.flags == frozenset()


@pytest.mark.parametrize("separator", [":", ";", "!"])
def test_names_of_file_systems_without_colons_are_understood(
    tmp_path: Path, separator: str
) -> None:
    box = maildir(tmp_path / "box")
    put(box / "cur", f"1.a.host{separator}2,S")

    assert find(box).all[0].flags == build_flags("\\Seen")


def test_the_line_ends_are_those_of_the_wire(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box")
    put(box / "cur", "1.a:2,", b"A: b\n\none\r\ntwo\r\r\nthree")

    assert find(box).octets == [b"A: b\r\n\r\none\r\ntwo\r\r\nthree"]


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
    "zstd-frames": lambda octets: (
        zstandard.compress(octets[:9]) + zstandard.compress(octets[9:])
    ),
}


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
def test_compressed_messages_are_unpacked(
    tmp_path: Path, packer: Callable[[bytes], bytes]
) -> None:
    box = maildir(tmp_path / "box")
    put(box / "cur", "1.a:2,", packer(LETTER))

    assert find(box).octets == [LETTER]


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
def test_a_damaged_message_is_owed_and_the_others_are_taken(
    tmp_path: Path, packer: Callable[[bytes], bytes]
) -> None:
    box = maildir(tmp_path / "box")
    put(box / "cur", "1.a:2,", packer(LETTER * 100)[:-9])
    put(box / "cur", "2.a:2,")

    found = find(box)

    assert found.octets == [LETTER]
    assert len(found.unread) == 1
    assert "1.a" in found.unread[0]


def test_a_format_nobody_reads_is_owed(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box")
    put(box / "cur", "1.a:2,", b"Dovecot-LZ4\r\x2a\x9b\xc5" + b"x" * 40)

    assert "LZ4" in find(box).unread[0]


def test_a_bomb_is_given_up(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box")
    put(box / "cur", "1.a:2,", zstandard.compress(bytes(100 << 20)))

    (reason,) = find(box).unread

    assert "far more than mail" in reason


def test_folders_of_maildir_plus_plus_are_mailboxes(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box")
    for name in (".Sent", ".Work.Entw&APw-rfe", ".a\\2eb"):
        put(maildir(box / name) / "cur", "1.a:2,")

    assert find(box).messages.keys() == {"INBOX", "Sent", "Work/Entwürfe", "a.b"}


def test_maildirs_in_folders_are_mailboxes(tmp_path: Path) -> None:
    maildir(tmp_path / "mail")
    maildir(tmp_path / "mail" / "Work" / "Sub &- folder")
    maildir(tmp_path / "mail" / "Lists.2020")

    assert find(tmp_path / "mail").messages.keys() == {
        "INBOX", "Work/Sub & folder", "Lists.2020"
    }  # fmt: skip


def test_one_folder_of_a_maildir_may_be_imported_by_itself(tmp_path: Path) -> None:
    maildir(tmp_path / "box")
    put(maildir(tmp_path / "box" / ".Sent.2020") / "cur", "1.a:2,")

    assert find(tmp_path / "box" / ".Sent.2020").messages.keys() == {"Sent/2020"}


def test_thunderbirds_maildirs_keep_flags_in_the_messages(tmp_path: Path) -> None:
    (tmp_path / "Inbox" / "cur").mkdir(parents=True)
    (tmp_path / "Inbox" / "tmp").mkdir()
    (tmp_path / "Inbox.msf").touch()
    fields = b"X-Mozilla-Status: 0001\r\nX-Mozilla-Status2: 00000000\r\n"
    put(tmp_path / "Inbox" / "cur", "1700000000.eml", fields + LETTER)
    (tmp_path / "Inbox.sbd" / "Work" / "cur").mkdir(parents=True)

    found = find(tmp_path)

    assert found.messages.keys() == {"INBOX", "INBOX/Work"}
    assert [(mail.octets, mail.flags) for mail in found.all] == [
        (LETTER, build_flags("\\Seen"))
    ]


def test_messages_come_in_the_order_of_their_arrival(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box")
    for number in (100, 9, 20):
        put(box / "cur", f"{number}.x:2,", b"%d\r\n" % number)
    put(box / "new", "15.x", b"15\r\n")

    assert find(box).octets == [b"9\r\n", b"15\r\n", b"20\r\n", b"100\r\n"]


def test_links_are_named_and_never_followed(tmp_path: Path) -> None:
    outside = put(tmp_path, "secret", LETTER)
    box = maildir(tmp_path / "box")
    (box / "cur" / "1.a:2,").symlink_to(outside)
    (box / ".Sent").symlink_to(tmp_path)
    (box / "nowhere").symlink_to("192.0.2.1:+4711")  # as Thunderbird's lock

    found = find(box)

    assert found.octets == []
    assert ["symbolic link" in reason for reason in found.unread] == [True]
    assert ["symbolic link" in reason for reason in found.errors] == [True]
    assert found.messages.keys() == {"INBOX", "Sent"}


def test_fifos_and_sockets_keep_nobody_waiting(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box")
    os.mkfifo(box / "cur" / "1.fifo:2,")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(box / "cur" / "2.socket"))
        put(box / "cur", "3.a:2,")

        assert find(tmp_path).octets == [LETTER]


NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything, so that the test has to be somebody else."""
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)


def test_what_may_not_be_read_is_told() -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        box = maildir(Path(folder) / "box")
        put(box / "cur", "1.a:2,").chmod(0)
        put(maildir(box / ".Secret") / "cur", "1.a:2,")
        (box / ".Secret").chmod(0)

        with as_nobody():
            found = find(box)

        (box / ".Secret").chmod(stat.S_IRWXU)
    assert len(found.unread) == 1
    assert len(found.errors) == 1
    assert found.messages.keys() == {"INBOX", "Secret"}


def test_names_that_are_no_text_are_read(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box")
    raw = os.fsencode(box) + b"/.Gr\xfc\xdfe"
    for name in (b"", b"/cur", b"/new"):
        Path(os.fsdecode(raw + name)).mkdir()
    Path(os.fsdecode(raw + b"/cur/1.\xff:2,S")).write_bytes(LETTER)

    assert find(box).messages["Grüße"][0].octets == LETTER


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.binary(max_size=80).map(lambda octets: octets.replace(b"\r", b"?")),
            st.text("DFPRST", max_size=4),
        ),
        max_size=5,
    )
)
def test_what_pythons_mailbox_module_writes_comes_back(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[bytes, str]]
) -> None:
    box = mailbox.Maildir(tmp_path_factory.mktemp("maildir") / "box")
    for body, letters in written:
        message = mailbox.MaildirMessage(b"Subject: x\n\nbody\n")
        message.set_subdir("cur")
        message.set_flags(letters)
        key = box.add(message)
        # Its messages pass through Python's email package, which would change odd ones.
        name = next(Path(box._path, "cur").glob(f"{key}*"))
        name.write_bytes(body)

    found = find(Path(box._path))

    system = {"D": "\\Draft", "F": "\\Flagged", "P": "$Forwarded", "R": "\\Answered",
              "S": "\\Seen", "T": "\\Deleted"}  # fmt: skip
    assert sorted((mail.octets, sorted(mail.flags or ())) for mail in found.all) == sorted(
        (body.replace(b"\n", b"\r\n"), sorted({system[each] for each in letters}))
        for body, letters in written
    )


@pytest.mark.parametrize("layout", Layout)
@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=3),
            st.binary(max_size=60),
            st.sets(st.sampled_from(["\\Seen", "\\Flagged", "$Forwarded", "Work", "x"])),
        ),
        max_size=4,
    )
)
def test_what_export_writes_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory,
    layout: Layout,
    written: list[tuple[list[str], bytes, set[str]]],
) -> None:
    path = tmp_path_factory.mktemp("exports") / "export"
    with MaildirDestination(path, layout=layout) as destination:
        for parts, octets, flags in written:
            destination.append(
                MailboxName.parse("\0".join(parts), "\0"),
                octets,
                flags=build_flags(*flags),
                internal_date=NOON,
            )

    found = find(path)

    back = [
        (name, mail.octets, sorted(mail.flags or ()), mail.date)
        for name, mails in found.messages.items()
        for mail in mails
    ]
    assert sorted(back) == sorted(
        (str(MailboxName.parse("\0".join(parts), "\0")), octets, sorted(flags), NOON)
        for parts, octets, flags in written
    )
