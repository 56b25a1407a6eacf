"""Opening an archive: what it takes, what is refused, and what is said about it."""

import errno
import os
import stat
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.private import explained
from mailvault.archive.rebuild import rebuild_catalog
from mailvault.errors import (
    ArchiveDamaged,
    ArchiveError,
    ArchiveMissing,
    ArchiveTooNew,
    DestinationError,
    MailvaultError,
    NoSpace,
)
from tests.unit.archive.builders import (
    SteppingClock,
    Work,
    build_batch,
    build_message,
    create,
    open_again,
)


def test_what_was_stored_is_there_when_it_is_opened_again(work: Work) -> None:
    work.sync(build_batch(arrived=[1, 2], cursor="c1"))
    work.archive.close()

    with open_again(work.archive.path) as archive:
        views = list(archive.catalog.placements())
        assert [archive.content.get(view.digest) for view in views] == [
            build_message(1),
            build_message(2),
        ]
        assert next(archive.catalog.mailboxes()).cursor == "c1"


def test_everything_is_private_whatever_the_umask(folder: Path) -> None:
    old = os.umask(0)
    try:
        with create(folder) as archive:
            Work(archive).sync(build_batch(arrived=[1, 2, 3]))
        modes = {
            path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]
        }
    finally:
        os.umask(old)

    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_a_rebuilt_catalog_is_private_too(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))
    work.archive.close()
    old = os.umask(0)
    try:
        rebuild_catalog(work.archive.path, clock=SteppingClock())
    finally:
        os.umask(old)

    assert stat.S_IMODE((work.archive.path / "catalog.db").stat().st_mode) == 0o600


def test_the_identity_is_fixed_when_the_archive_is_made(folder: Path) -> None:
    with create(folder) as made:
        identity = made.id, made.store

    with open_again(folder) as archive:
        assert (archive.id, archive.store) == identity
    assert identity[1] == "sqlite"


def test_reading_changes_no_file(work: Work) -> None:
    work.sync(build_batch(arrived=[1, 2]))
    work.archive.close()
    before = {path: path.stat().st_mtime_ns for path in work.archive.path.rglob("*")}

    with open_again(work.archive.path) as archive:
        list(archive.catalog.placements())
        list(archive.check())

    assert {path: path.stat().st_mtime_ns for path in work.archive.path.rglob("*")} == before


def test_an_archive_open_for_reading_records_nothing(archive: Archive) -> None:
    archive.close()
    with (
        open_again(archive.path) as reading,
        pytest.raises(ArchiveError, match="was opened for reading"),
    ):
        reading.start_run()


def test_a_new_archive_can_be_read_at_once(folder: Path) -> None:
    create(folder).close()

    with open_again(folder) as archive:
        assert archive.catalog.status().messages == 0


def refusal(folder: Path, *, writing: bool) -> MailvaultError:
    with pytest.raises(ArchiveError) as caught:
        open_again(folder, writing=writing).close()
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("writing", [False, True], ids=["reading", "writing"])
class TestAnArchiveThatCannotBeOpened:
    """Each says what is wrong and what to do, and is left as it was."""

    def test_because_it_is_missing(self, folder: Path, writing: bool) -> None:
        error = refusal(folder, writing=writing)

        assert isinstance(error, ArchiveMissing)
        assert str(error) == f"{folder} does not exist"
        assert error.hint is not None
        assert error.hint.startswith("mount its disk, or correct archive.path;")
        assert not folder.exists()

    def test_because_the_folder_holds_something_else(self, folder: Path, writing: bool) -> None:
        folder.mkdir()
        (folder / "holiday.jpg").touch()

        error = refusal(folder, writing=writing)

        assert isinstance(error, ArchiveMissing)
        assert str(error) == f"{folder} holds no archive"
        assert [path.name for path in folder.iterdir()] == ["holiday.jpg"]

    def test_because_its_format_is_newer(self, work: Work, writing: bool) -> None:
        work.archive.close()
        identity = work.archive.path / "archive.toml"
        identity.write_text(identity.read_text().replace("format = 1", "format = 2"))
        before = snapshot(work.archive.path)

        error = refusal(work.archive.path, writing=writing)

        assert isinstance(error, ArchiveTooNew)
        assert "archive format 2" in str(error)
        assert snapshot(work.archive.path) == before

    def test_because_only_a_part_was_copied(self, work: Work, writing: bool) -> None:
        work.sync(build_batch(arrived=[1]))
        work.archive.close()
        (work.archive.path / "catalog.db").unlink()

        error = refusal(work.archive.path, writing=writing)

        assert isinstance(error, ArchiveDamaged)
        assert str(error).endswith("catalog.db is missing")
        assert "mailvault rebuild" in (error.hint or "")

    def test_because_its_identity_was_not_copied(self, work: Work, writing: bool) -> None:
        work.sync(build_batch(arrived=[1]))
        work.archive.close()
        (work.archive.path / "archive.toml").unlink()

        error = refusal(work.archive.path, writing=writing)

        assert isinstance(error, ArchiveDamaged)
        assert "archive.toml is missing" in str(error)
        assert "mailvault rebuild" in (error.hint or "")

    @pytest.mark.parametrize("text", ["", "format = ", 'format = "1"', "format = 1\nid = 7"])
    def test_because_its_identity_is_broken(self, work: Work, text: str, writing: bool) -> None:
        work.archive.close()
        (work.archive.path / "archive.toml").write_text(text)

        assert isinstance(refusal(work.archive.path, writing=writing), ArchiveDamaged)

    def test_because_its_catalog_is_rubbish(self, work: Work, writing: bool) -> None:
        work.archive.close()
        (work.archive.path / "catalog.db").write_bytes(b"rubbish" * 1000)

        error = refusal(work.archive.path, writing=writing)

        assert isinstance(error, ArchiveDamaged)
        assert "mailvault rebuild" in (error.hint or "")


def snapshot(folder: Path) -> dict[Path, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]
    return {path: path.read_bytes() for path in files}


def test_a_lost_identity_is_made_again_by_a_rebuild(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))
    work.archive.close()
    (work.archive.path / "archive.toml").unlink()

    rebuild_catalog(work.archive.path, clock=SteppingClock())

    with open_again(work.archive.path, writing=True) as archive:
        assert archive.id == work.archive.id
        assert [view.uid for view in archive.catalog.placements()] == [1]


def test_an_archive_is_not_made_over_another(archive: Archive) -> None:
    with pytest.raises(DestinationError, match="already holds an archive"):
        create(archive.path)


def test_an_archive_is_not_made_among_other_files(folder: Path) -> None:
    folder.mkdir()
    (folder / "holiday.jpg").touch()

    with pytest.raises(DestinationError, match="is not empty"):
        create(folder)


def test_an_archive_is_not_made_in_a_file(folder: Path) -> None:
    folder.touch()

    with pytest.raises(DestinationError, match="is not a folder"):
        create(folder)


def test_an_archive_is_made_in_an_empty_folder(folder: Path) -> None:
    folder.mkdir(mode=0o755)

    create(folder).close()

    assert (folder / "archive.toml").is_file()


def test_parents_of_an_archive_are_made(tmp_path: Path) -> None:
    create(tmp_path / "a" / "b" / "archive").close()

    assert (tmp_path / "a" / "b" / "archive" / "archive.toml").is_file()


def test_making_an_archive_can_be_repeated_after_a_kill(folder: Path) -> None:
    (folder / "journal").mkdir(parents=True)
    (folder / "tmp").mkdir()
    (folder / "lock").touch()

    create(folder).close()

    with open_again(folder) as archive:
        assert archive.catalog.accounts() == []


def test_a_catalog_never_made_is_made_by_the_first_writer(folder: Path) -> None:
    create(folder).close()
    (folder / "catalog.db").write_bytes(b"")

    with open_again(folder, writing=True) as archive:
        Work(archive).sync(build_batch(arrived=[1]))
        assert archive.catalog.status().messages == 1


def test_what_a_killed_process_left_in_tmp_is_removed(archive: Archive) -> None:
    archive.close()
    (archive.tmp / "spool-1").write_bytes(b"half a message")
    (archive.tmp / "folder").mkdir()
    (archive.tmp / "folder" / "file").touch()

    with open_again(archive.path, writing=True):
        assert list(archive.tmp.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (errno.ENOSPC, NoSpace, "no space left on device"),
        (errno.EDQUOT, NoSpace, "quota exceeded"),
        (errno.EROFS, ArchiveError, "read-only file system"),
        (errno.EACCES, ArchiveError, "permission denied"),
        (errno.EIO, ArchiveError, "input/output error"),
    ],
)
def test_a_failing_disk_is_explained(
    tmp_path: Path, number: int, kind: type[ArchiveError], says: str
) -> None:
    with pytest.raises(kind, match=says) as caught, explained(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "file"))

    assert caught.value.exit_code == (21 if kind is NoSpace else 20)
    assert caught.value.hint


def test_the_whole_folder_counts_as_stored(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))

    files = [path for path in work.archive.path.rglob("*") if path.is_file()]
    assert work.archive.stored_octets() == sum(path.stat().st_size for path in files)
