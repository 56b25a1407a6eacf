"""Kill it anywhere: it opens again without a repair, and nothing that was confirmed is lost."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.content.maildir import MaildirStore
from mailvault.archive.content.sqlite import SqliteStore
from mailvault.archive.journal import Journal
from mailvault.archive.journal_mode import WRITE_AHEAD_LOG, journal_mode_for
from mailvault.archive.rebuild import rebuild_catalog
from mailvault.errors import ArchiveError, NoSpace
from mailvault.mail.model import Batch
from tests.unit.archive.builders import (
    SteppingClock,
    Work,
    build_batch,
    build_message,
    create,
    named,
    open_again,
)
from tests.unit.archive.dump import dump
from tests.unit.archive.tiny_sync import STEPS, run_traced, tiny_sync

_TELLING = (
    [("fdatasync", "catalog.db-wal")]
    if journal_mode_for(sqlite3.sqlite_version_info[:3]) == WRITE_AHEAD_LOG
    else [
        ("fdatasync", "catalog.db-journal"),
        ("fdatasync", "catalog.db"),
        ("unlink", "catalog.db-journal"),
    ]
)
"""What SQLite does to the catalog's files in every transaction."""

STORES: dict[str, type] = {"sqlite": SqliteStore, "maildir": MaildirStore}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def expected(folder: Path, steps: tuple[Batch, ...]) -> list[tuple[object, ...]]:
    """What a sync that was never disturbed makes of these steps."""
    with create(folder) as archive:
        Work(archive).sync(*steps)
        return listed(archive)


def listed(archive: Archive) -> list[tuple[object, ...]]:
    views = [*archive.catalog.placements(), *archive.catalog.placements(gone=True)]
    for view in views:
        assert archive.content.get(view.digest) == build_message(view.uid)
    return [
        (view.uid, view.digest, view.flags, view.internal_date, view.gone_since is None)
        for view in views
    ] + [(debt.uid, debt.reason) for debt in archive.catalog.debts()]


def states(folder: Path) -> list[list[tuple[object, ...]]]:
    return [expected(folder / f"{done}", STEPS[:done]) for done in range(len(STEPS) + 1)]


@pytest.mark.parametrize("each", [2, pytest.param(1, marks=pytest.mark.torture)])
@pytest.mark.parametrize("call", ["fsync", "fdatasync", "unlink"])
def test_a_kill_at_any_step_loses_nothing_confirmed(
    strace: str, store: str, call: str, each: int, tmp_path: Path
) -> None:
    assert kill_at_every(strace, call, store, tmp_path, each=each) >= 3


@pytest.mark.parametrize(("call", "file"), _TELLING)
def test_a_kill_while_the_catalog_is_told_loses_nothing_confirmed(
    strace: str, store: str, call: str, file: str, tmp_path: Path
) -> None:
    assert kill_at_every(strace, call, store, tmp_path, only=file) >= 3


def kill_at_every(
    strace: str, call: str, store: str, tmp_path: Path, *, only: str = "", each: int = 1
) -> int:
    """Kill syncs at the first such call, and at ``each`` one after it. Gives the last one."""
    create(tmp_path / "new", store).close()
    allowed = states(tmp_path)
    number = 1
    while True:
        folder = tmp_path / f"killed-{number}"
        shutil.copytree(tmp_path / "new", folder)
        injection = f"{call}:signal=SIGKILL:when={number}"
        ended = run_traced(strace, injection, folder, only=only)
        if ended.status == 0:
            return number - each
        number += each

        with open_again(folder) as archive:  # a reader needs no repair
            assert listed(archive) in allowed[ended.confirmed :]
        with open_again(folder, writing=True) as archive:
            assert listed(archive) in allowed[ended.confirmed :]
            tiny_sync(archive)
            assert listed(archive) == allowed[-1]
            assert list(archive.check()) == []
        shutil.rmtree(folder)


@pytest.mark.parametrize("call", ["pwrite64", "fsync", "fdatasync"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_disk_that_fails_loses_nothing_confirmed(
    strace: str, store: str, call: str, error: str, tmp_path: Path
) -> None:
    create(tmp_path / "new", store).close()
    allowed = states(tmp_path)
    failures = 0
    for number in (2, 11, 23) if call == "pwrite64" else (1, 3, 9):
        folder = tmp_path / f"failed-{number}"
        shutil.copytree(tmp_path / "new", folder)
        ended = run_traced(strace, f"{call}:error={error}:when={number}+", folder)
        failures += ended.status != 0

        assert ended.status in (0, 20, 21)
        with open_again(folder, writing=True) as archive:
            assert listed(archive) in allowed[ended.confirmed :]
            tiny_sync(archive)
            assert listed(archive) == allowed[-1]
            assert list(archive.check()) == []
    assert failures


class Crash(BaseException):
    """Not an error: the end."""


def crash(*_: object) -> None:
    raise Crash


@pytest.mark.parametrize(
    ("owner", "step", "is_kept"),
    [
        (None, "put", False),
        (None, "record", False),
        (None, "commit", False),
        (Journal, "append", False),
        (Catalog, "apply", True),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_archive_cut_off_between_two_steps_opens_again(
    work: Work,
    store: str,
    monkeypatch: pytest.MonkeyPatch,
    owner: type | None,
    step: str,
    is_kept: bool,
) -> None:
    work.sync(build_batch(arrived=[1], cursor="1"))
    with monkeypatch.context() as patched:
        patched.setattr(owner or STORES[store], step, crash)
        recorder = work.archive.start_run()
        recorder.add(work.mailbox_id, build_batch(arrived=[2], cursor="2"))
        with pytest.raises(Crash):
            recorder.flush()
        with pytest.raises(ArchiveError, match="the run was interrupted"):
            recorder.finish(0)
        recorder.abandon()
    work.archive.close()

    with open_again(work.archive.path) as reading:
        assert [view.uid for view in reading.catalog.placements()] == [1]
        assert list(reading.check()) == []
    with open_again(work.archive.path, writing=True) as archive:
        assert [view.uid for view in archive.catalog.placements()] == (
            [1, 2] if is_kept else [1]
        )
        assert next(archive.catalog.mailboxes()).cursor == ("2" if is_kept else "1")
        assert list(archive.check()) == []


def test_what_the_journal_is_ahead_is_indexed_when_it_is_applied(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Catalog, "apply", crash)
        with pytest.raises(Crash):
            work.sync(build_batch(arrived=[1]))
    work.archive.close()

    with open_again(work.archive.path, writing=True) as archive:
        (view,) = archive.catalog.placements()
        assert (view.message_id, view.subject) == ("<1@example.com>", "On lifting 1")


def test_a_failed_commit_is_told_and_is_the_last(
    work: Work, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise NoSpace("the disk is full")

    recorder = work.archive.start_run()
    mailbox_id = recorder.describe(recorder.account("work", "imap"), named("INBOX"))
    with monkeypatch.context() as patched:
        patched.setattr(STORES[store], "commit", full)
        recorder.add(mailbox_id, build_batch(arrived=[1], cursor="1"))
        with pytest.raises(NoSpace):
            recorder.flush()

    with pytest.raises(NoSpace):
        recorder.add(mailbox_id, build_batch(arrived=[2], cursor="2"))
    with pytest.raises(NoSpace):
        recorder.finish(0)
    recorder.abandon()
    assert list(work.archive.catalog.placements()) == []


def test_nothing_is_written_behind_a_commit_that_failed_half_way(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.sync(build_batch(arrived=[1]))
    with monkeypatch.context() as patched:
        patched.setattr(Catalog, "apply", crash)
        with pytest.raises(Crash):
            work.sync(build_batch(arrived=[2]))

    with pytest.raises(ArchiveError, match="an earlier commit failed"):
        work.sync(build_batch(arrived=[3]))

    work.archive.close()
    with open_again(work.archive.path, writing=True) as archive:
        assert [view.uid for view in archive.catalog.placements()] == [1, 2]
        assert list(archive.check()) == []


def test_a_torn_journal_is_repaired_by_opening_it(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))
    work.archive.close()
    ((_, path),) = Journal(work.archive.path / "journal", work.archive.id).files()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:50])

    with open_again(work.archive.path, writing=True) as archive:
        assert path.read_bytes() == whole
        Work(archive, work.mailbox_id).sync(build_batch(arrived=[2]))
        assert list(archive.check()) == []
    before = dump(work.archive.path)
    rebuild_catalog(work.archive.path, clock=SteppingClock())
    assert dump(work.archive.path) == before


def test_a_killed_rebuild_leaves_the_old_catalog(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.sync(build_batch(arrived=[1]))
    work.archive.close()
    before = dump(work.archive.path)
    with monkeypatch.context() as patched:
        patched.setattr(Catalog, "apply", crash)
        with pytest.raises(Crash):
            rebuild_catalog(work.archive.path, clock=SteppingClock())

    assert dump(work.archive.path) == before
    open_again(work.archive.path, writing=True).close()
    assert list((work.archive.path / "tmp").iterdir()) == []
