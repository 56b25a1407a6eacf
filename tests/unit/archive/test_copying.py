"""A copy is an archive at every moment, or clearly none yet."""

import shutil
from pathlib import Path

import pytest

from mailvault.archive.copying import Copied, copy_archive
from mailvault.archive.lock import WriteLock
from mailvault.errors import (
    ArchiveDamaged,
    ArchiveLocked,
    ArchiveMissing,
    DestinationError,
)
from mailvault.mail.changes import JobEnded
from tests.unit.archive.builders import (
    BEGINNING,
    SteppingClock,
    Work,
    build_batch,
    create,
    open_again,
)
from tests.unit.archive.dump import dump
from tests.unit.archive.test_converting import contents


@pytest.fixture(params=["sqlite", "maildir"])
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "mount" / "copy"


def copy(path: Path, target: Path) -> Copied:
    copied = Copied()
    copy_archive(path, target, clock=SteppingClock(), wait=0, copied=copied)
    return copied


def sync_more(path: Path, *uids: int) -> None:
    with open_again(path, writing=True) as archive:
        Work(archive, mailbox_id=1).sync(build_batch(11, arrived=uids, expunged=[2]))


def is_level(path: Path, target: Path) -> bool:
    with open_again(target) as archive:
        assert list(archive.check()) == []
    return dump(target) == dump(path) and contents(target) == contents(path)


def test_a_copy_is_the_archive(lived: Path, target: Path) -> None:
    copied = copy(lived, target)

    assert is_level(lived, target)
    assert copied.files > 1
    assert copied.octets > 0


def test_what_is_there_is_not_copied_again(lived: Path, target: Path, store: str) -> None:
    copy(lived, target)

    assert copy(lived, target).files == 0
    sync_more(lived, 100, 101)
    assert copy(lived, target).files == {"sqlite": 2, "maildir": 3}[store]

    assert is_level(lived, target)


def test_a_copy_can_be_used_as_an_archive(lived: Path, target: Path) -> None:
    copy(lived, target)
    sync_more(target, 200)

    with open_again(target) as archive:
        assert list(archive.check()) == []
    with pytest.raises(DestinationError, match="not how the archive's own journal begins"):
        copy(lived, target)


def test_what_is_checked_on_a_copy_does_not_part_it_from_its_archive(
    lived: Path, target: Path
) -> None:
    copy(lived, target)
    with open_again(target) as archive:
        archive.note_job(JobEnded("verify", BEGINNING, BEGINNING, 0, None, 1, 1, ""))
    sync_more(lived, 100)

    copy(lived, target)

    assert is_level(lived, target)


@pytest.mark.parametrize("what", ["itself", "inside", "around", "full", "archive", "file"])
def test_a_folder_that_is_something_else_is_refused(
    lived: Path, target: Path, what: str
) -> None:
    target.parent.mkdir()
    match what:
        case "itself":
            target = lived
        case "inside":
            target = lived / "content" / "inside"
        case "around":
            target = lived.parent
        case "full":
            target.mkdir()
            (target / "file").touch()
        case "archive":
            create(target).close()
        case "file":
            target.touch()
    before = sorted(target.rglob("*"))

    with pytest.raises(DestinationError):
        copy(lived, target)
    assert sorted(target.rglob("*")) == before


def test_an_unfinished_copy_is_no_archive_and_is_gone_on_with(
    lived: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("mailvault.archive.copying.write_identity", _crash)
        with pytest.raises(KeyboardInterrupt):
            copy(lived, target)
    with pytest.raises(ArchiveMissing, match="a copy to it was not finished"):
        open_again(target)

    copy(lived, target)

    assert is_level(lived, target)


@pytest.mark.parametrize("step", ["_take_journal", "sync_folder"])
def test_a_copy_cut_off_while_it_is_brought_level_is_an_archive(
    lived: Path, target: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    copy(lived, target)
    sync_more(lived, 100)
    with monkeypatch.context() as patched:
        patched.setattr(f"mailvault.archive.copying.{step}", _crash)
        with pytest.raises(KeyboardInterrupt):
            copy(lived, target)

    with open_again(target) as archive:
        assert list(archive.check()) == []
        for digest in archive.catalog.digests():
            archive.content.get(digest)
    copy(lived, target)
    assert is_level(lived, target)


def test_a_copy_in_use_is_left_alone(lived: Path, target: Path) -> None:
    copy(lived, target)

    with WriteLock.acquire(target, clock=SteppingClock()), pytest.raises(ArchiveLocked):
        copy(lived, target)
    with WriteLock.acquire(lived, clock=SteppingClock()), pytest.raises(ArchiveLocked):
        copy(lived, target)
    assert is_level(lived, target)


def test_a_damaged_archive_never_spoils_its_copy(lived: Path, target: Path, store: str) -> None:
    copy(lived, target)
    before = contents(target)
    for path in sorted((lived / "content").rglob("*")):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(ArchiveDamaged):
        copy(lived, target)

    assert contents(target) == before


def test_what_the_archive_lost_stays_in_the_copy(lived: Path, target: Path) -> None:
    copy(lived, target)
    before = contents(target)
    shutil.rmtree(lived / "content")
    (lived / "content").mkdir()

    copy(lived, target)

    assert contents(target) == before


def test_a_lost_catalog_of_the_copy_is_copied_again(lived: Path, target: Path) -> None:
    copy(lived, target)
    (target / "catalog.db").write_bytes(b"x" * 5000)

    copy(lived, target)

    assert is_level(lived, target)


def _crash(*_: object) -> None:
    raise KeyboardInterrupt
