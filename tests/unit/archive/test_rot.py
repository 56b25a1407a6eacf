"""Single bits flip anywhere in an archive: verify finds it, and nothing wrong is given back."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.errors import ArchiveError, MailvaultError
from mailvault.mail.model import Digest
from mailvault.operations.verify import verify
from tests.unit.archive.builders import (
    SteppingClock,
    Work,
    build_arrival,
    build_batch,
    build_message,
)
from tests.unit.archive.content.stored_mail import build_message as build_large

FLIPS = 30
ALL_FLIPS = 500
IGNORED = {"lock", "standings.json"}


def octets(number: int) -> bytes:
    if number % 3:
        return build_message(number, body=random.Random(number).randbytes(900).hex())
    return build_large(number, random.Random(number).randbytes(3000))


@pytest.fixture(params=["sqlite", "maildir"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Forty messages, put there in four runs."""
    folder = tmp_path / "archive"
    store: str = request.param
    with Archive.create(folder, store=store, clock=SteppingClock()) as archive:
        work = Work(archive)
        for run in range(4):
            numbers = range(run * 10 + 1, run * 10 + 11)
            work.sync(
                build_batch(
                    arrived=[build_arrival(n, octets=octets(n)) for n in numbers],
                    flags={1: ("\\Seen",)} if run else {},
                )
            )
    return folder


def checked(folder: Path) -> int:
    """How much verify finds; an archive that does not even open is a finding too."""
    try:
        with Archive.open(folder, writing=False, clock=SteppingClock()) as archive:
            return len(verify(archive).findings)
    except ArchiveError:
        return 1


def given_back(folder: Path) -> tuple[int, int]:
    """How many messages come back as they were, and how many as something else."""
    good = bad = 0
    try:
        with Archive.open(folder, writing=False, clock=SteppingClock()) as archive:
            for number in range(1, 41):
                good_one, bad_one = _given(archive, octets(number))
                good, bad = good + good_one, bad + bad_one
    except ArchiveError:
        pass
    return good, bad


def _given(archive: Archive, wanted: bytes) -> tuple[int, int]:
    try:
        found = archive.content.get(Digest.of(wanted))
    except MailvaultError:
        return 0, 0
    content = found if isinstance(found, bytes) else b"".join(found.chunks())
    return int(content == wanted), int(content != wanted)


def files_of(folder: Path) -> list[Path]:
    """What is truth in an archive: all but the catalog and what may be lost."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and path.name not in IGNORED
        and path.parts[len(folder.parts)] in ("content", "journal")
    ]


@pytest.mark.parametrize("flips", [FLIPS, pytest.param(ALL_FLIPS, marks=pytest.mark.torture)])
def test_a_flipped_bit_is_found_or_harmless_and_never_given_back(
    folder: Path, tmp_path: Path, flips: int
) -> None:
    files = files_of(folder)
    sizes = [path.stat().st_size for path in files]
    assert given_back(folder) == (40, 0)
    assert checked(folder) == 0
    chance = random.Random(500)
    unseen: list[Path] = []
    for _ in range(flips):
        chosen = chance.choices(files, sizes)[0].relative_to(folder)
        tried = tmp_path / "tried"
        shutil.copytree(folder, tried, symlinks=True)
        flip_bit(tried / chosen, chance)

        good, bad = given_back(tried)
        found = checked(tried)

        assert not bad
        if not found:
            assert good == 40
            unseen.append(chosen)
        shutil.rmtree(tried)
    # What is neither a message nor a record: unused octets of SQLite's pages.
    assert {path.suffix for path in unseen} <= {".db"}
    assert len(unseen) < flips / 2


def flip_bit(path: Path, chance: random.Random) -> None:
    octets = bytearray(path.read_bytes())
    octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
    path.write_bytes(octets)


Harm = Callable[[Path, Path], None]


def truncate(path: Path, _other: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def shorten(path: Path, _other: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path, _other: Path) -> None:
    path.write_bytes(b"")


def delete(path: Path, _other: Path) -> None:
    path.unlink()


def swap(path: Path, other: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(other.read_bytes())
    other.write_bytes(content)


def link(path: Path, _other: Path) -> None:
    target = path.parents[len(path.parts) - 3] / f"elsewhere-{path.name}"
    shutil.move(path, target)
    path.symlink_to(target)


@pytest.mark.parametrize("harm", [truncate, shorten, empty, delete, swap, link])
def test_files_that_are_cut_lost_swapped_or_linked_are_found(
    folder: Path, tmp_path: Path, harm: Harm
) -> None:
    files = [path for path in files_of(folder) if path.stat().st_size]
    chance = random.Random(1)
    for number in range(2):
        tried = tmp_path / f"tried-{number}"
        shutil.copytree(folder, tried, symlinks=True)
        one, other = (tried / path.relative_to(folder) for path in chance.sample(files, 2))
        harm(one, other)

        assert not given_back(tried)[1]
        assert checked(tried), f"{harm.__name__} of {one}"
