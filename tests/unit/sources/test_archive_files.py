"""Zip and tar files: what is in them is found, and their tricks fail."""

import contextlib
import gzip
import io
import os
import random
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
import zstandard

from mailvault.errors import UsageError
from tests.unit.sources.found_mail import find

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LETTER = b"Subject: one\r\n\r\nbody\r\n"
LINE = b"From ada@example.org Mon Jan  5 12:00:00 2026\r\n"
MEMBERS = {
    "mail/cur/1.a:2,S": LETTER,
    "mail/new/2.a": LETTER,
    "mail/.Sent/cur/3.a:2,": LETTER,
    "mail/files/Work.mbox": LINE + LETTER + b"\r\n" + LINE + LETTER,
    "mail/letters/1.eml": LETTER,
    "mail/letters/old.mbox.gz": gzip.compress(LINE + LETTER),
}
EXPECTED = {"INBOX": 2, "Sent": 1, "files/Work": 2, "letters": 1, "letters/old": 1}


class Make(Protocol):
    def __call__(self, path: Path, *, members: dict[str, bytes] = ...) -> Path: ...


def make_zip(path: Path, members: dict[str, bytes] = MEMBERS) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in members.items():
            archive.writestr(name, octets)
    return path


def make_tar(path: Path, mode: str = "w:", members: dict[str, bytes] = MEMBERS) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]  # any mode
        for name, octets in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(octets)
            archive.addfile(info, io.BytesIO(octets))
    return path


def make_tar_zst(path: Path) -> Path:
    make_tar(path.with_suffix(".plain"))
    path.write_bytes(zstandard.compress(path.with_suffix(".plain").read_bytes()))
    return path


def counts(path: Path) -> dict[str, int]:
    found = find(path)
    assert not found.errors
    assert not found.unread
    assert set(found.octets) == {LETTER}
    return {name: len(mails) for name, mails in found.messages.items()}


def test_a_zip_is_a_tree(tmp_path: Path) -> None:
    assert counts(make_zip(tmp_path / "mail.zip")) == EXPECTED


@pytest.mark.parametrize("mode", ["w:", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_a_tree_however_it_is_compressed(tmp_path: Path, mode: str) -> None:
    assert counts(make_tar(tmp_path / "mail.tar", mode)) == EXPECTED


def test_a_tar_compressed_with_zstd_is_a_tree(tmp_path: Path) -> None:
    assert counts(make_tar_zst(tmp_path / "mail.tar.zst")) == EXPECTED


def test_hard_links_in_a_tar_are_messages(tmp_path: Path) -> None:
    box = tmp_path / "box"
    for folder in ("cur", "new", "tmp", ".Sent/cur"):
        (box / folder).mkdir(parents=True)
    (box / "cur" / "1.a:2,").write_bytes(LETTER)
    os.link(box / "cur" / "1.a:2,", box / ".Sent" / "cur" / "1.b:2,")
    with tarfile.open(tmp_path / "box.tgz", "w:gz") as archive:
        archive.add(box, "box")

    assert counts(tmp_path / "box.tgz") == {"INBOX": 1, "Sent": 1}


TRICKS = {
    "../../../escape/1.eml": LETTER,
    "/absolute/2.eml": LETTER,
    "a/../b/3.eml": LETTER,
    "C:\\windows\\4.eml": LETTER,
    "a//b/./5.eml": LETTER,
}


@pytest.mark.parametrize("make", [make_zip, make_tar], ids=["zip", "tar"])
def test_names_that_lead_elsewhere_are_only_names(tmp_path: Path, make: Make) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    make(folder / "mail.archive", members=TRICKS)

    found = find(folder / "mail.archive")

    assert len(found.octets) == len(TRICKS)
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "mail.archive"]


def test_links_and_devices_in_a_tar_lead_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(LETTER)
    kinds = {
        "1.eml": (tarfile.SYMTYPE, str(secret)),
        "2.eml": (tarfile.LNKTYPE, str(secret)),
        "3.eml": (tarfile.CHRTYPE, ""),
        "4.eml": (tarfile.FIFOTYPE, ""),
        "5.eml": (tarfile.LNKTYPE, "5.eml"),
    }
    with tarfile.open(tmp_path / "mail.tar", "w") as archive:
        for name, (kind, target) in kinds.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)

    found = find(tmp_path / "mail.tar")

    assert found.octets == []
    assert len(found.errors) == 3


@pytest.mark.parametrize("make", [make_zip, make_tar], ids=["zip", "tar"])
def test_a_bomb_is_given_up(tmp_path: Path, make: Make) -> None:
    bomb = {"box/1.eml": zstandard.compress(bytes(100 << 20)), "box/2.eml": LETTER}
    make(tmp_path / "mail.archive", members=bomb)

    found = find(tmp_path / "mail.archive")

    assert found.octets == [LETTER]
    assert "far more than mail" in found.unread[0]


def test_a_zip_that_is_a_bomb_is_given_up(tmp_path: Path) -> None:
    found = find(make_zip(tmp_path / "mail.zip", {"box/1.eml": bytes(100 << 20)}))

    assert found.octets == []
    assert "far more than mail" in found.unread[0]


def test_a_tar_that_breaks_off_gives_what_is_whole(tmp_path: Path) -> None:
    letters = {f"box/{n:04}.eml": LETTER + os.urandom(3000) for n in range(200)}
    path = make_tar(tmp_path / "mail.tgz", "w:gz", letters)
    path.write_bytes(path.read_bytes()[:-100_000])

    found = find(path)

    assert 50 < len(found.octets) < 200
    assert set(found.octets) <= set(letters.values())
    assert found.errors


def test_a_damaged_member_of_a_zip_is_owed_and_the_others_are_taken(tmp_path: Path) -> None:
    letters = {f"box/{n}.eml": LETTER + os.urandom(3000) for n in range(3)}
    path = make_zip(tmp_path / "mail.zip", letters)
    octets = bytearray(path.read_bytes())
    octets[5000] ^= 1
    path.write_bytes(octets)

    found = find(path)

    assert len(found.octets) == 2
    assert len(found.unread) == 1


class Unseekable(io.RawIOBase):
    """Where zipfile cannot go back, it writes sizes behind the members."""

    def __init__(self) -> None:
        self.octets = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, octets: "ReadableBuffer") -> int:
        written = bytes(octets)
        self.octets += written
        return len(written)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_that_breaks_off_gives_what_is_whole(tmp_path: Path, compression: int) -> None:
    letters = {f"box/{n:03}.eml": LETTER + os.urandom(3000) for n in range(40)}
    with zipfile.ZipFile(tmp_path / "mail.zip", "w", compression) as archive:
        for name, octets in letters.items():
            archive.writestr(name, octets)
    whole = (tmp_path / "mail.zip").read_bytes()
    (tmp_path / "mail.zip").write_bytes(whole[: len(whole) // 2])

    found = find(tmp_path / "mail.zip")

    assert found.messages.keys() == {"box"}
    assert 15 < len(found.octets) < 25
    assert set(found.octets) <= set(letters.values())
    assert len(found.unread) == 1  # the one that is half there
    assert found.errors


def test_a_streamed_zip_that_breaks_off_gives_what_is_whole(tmp_path: Path) -> None:
    stream = Unseekable()
    mbox = b"".join(
        LINE + LETTER + os.urandom(3000).hex().encode() + b"\r\n" for _ in range(40)
    )
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("box/1.eml", LETTER)
        archive.writestr("box/Work.mbox", mbox)
    (tmp_path / "mail.zip").write_bytes(stream.octets[: len(stream.octets) // 2])

    found = find(tmp_path / "mail.zip")

    assert [mail.octets for mail in found.messages["box"]] == [LETTER]
    assert 10 < len(found.messages["box/Work"]) < 25
    assert found.errors


def test_encrypted_members_are_named(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "mail.zip", {"box/1.eml": LETTER, "box/2.eml": LETTER})
    octets = bytearray(path.read_bytes())
    octets[octets.index(b"PK\x01\x02") + 8] |= 1  # as the directory says of the first one
    path.write_bytes(octets)

    found = find(path)

    assert found.octets == [LETTER]
    assert "encrypted" in found.errors[0]


def test_archives_in_folders_are_named(tmp_path: Path) -> None:
    make_zip(tmp_path / "mail.zip")
    (tmp_path / "1.eml").write_bytes(LETTER)

    found = find(tmp_path)

    assert found.octets == [LETTER]
    assert found.left_out == [str(tmp_path / "mail.zip")]


def test_takeouts_own_folders_are_no_mailboxes(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "takeout.zip", {"Takeout/Mail/Work.mbox": LINE + LETTER})

    assert counts(path) == {"Work": 1}


def test_a_single_file_may_be_compressed(tmp_path: Path) -> None:
    (tmp_path / "Work.mbox.gz").write_bytes(gzip.compress(LINE + LETTER))

    assert counts(tmp_path / "Work.mbox.gz") == {"Work": 1}


def test_no_damage_is_more_than_an_error(tmp_path: Path) -> None:
    chance = random.Random(1)
    seeds = [make_zip(tmp_path / "s").read_bytes()]
    seeds += [make_tar(tmp_path / "s", mode).read_bytes() for mode in ("w:", "w:gz", "w:xz")]

    for number in range(400):
        octets = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 6)):
            octets[chance.randrange(len(octets))] = chance.randrange(256)
        path = tmp_path / "damaged"
        path.write_bytes(octets[: chance.randrange(1, len(octets))] if number % 3 else octets)
        with contextlib.suppress(UsageError):
            find(path)
