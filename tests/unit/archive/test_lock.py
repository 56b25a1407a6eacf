"""One writer at a time, and readers at any time."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.lock import WriteLock
from mailvault.errors import ArchiveLocked
from tests.unit.archive.builders import SteppingClock, Work, build_batch, open_again

HOLDER = """
import sys
from pathlib import Path
from mailvault.archive.lock import WriteLock
from tests.unit.archive.builders import SteppingClock
with WriteLock.acquire(Path(sys.argv[1]), clock=SteppingClock()):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until it is told to end."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_writer_is_told_who_the_first_is(archive: Archive) -> None:
    archive.close()
    with another_process(archive.path) as process:
        began = time.monotonic()
        with pytest.raises(ArchiveLocked, match=f"in use by process {process.pid}$") as caught:
            open_again(archive.path, writing=True)

        assert time.monotonic() - began < 2
        assert caught.value.exit_code == 75


def test_a_reader_needs_no_lock(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))
    work.archive.close()

    with another_process(work.archive.path), open_again(work.archive.path) as reading:
        assert [view.uid for view in reading.catalog.placements()] == [1]


def test_a_killed_holder_frees_the_lock(archive: Archive) -> None:
    archive.close()
    with another_process(archive.path) as process:
        process.kill()
        process.wait()

        with open_again(archive.path, writing=True):
            pass


def test_waiting_ends_when_its_time_is_over(archive: Archive) -> None:
    clock = SteppingClock()
    before = clock.monotonic()

    with pytest.raises(ArchiveLocked):
        Archive.open(archive.path, writing=True, clock=clock, wait=30)

    assert 30 <= clock.monotonic() - before < 31


def test_a_lock_file_of_a_dead_process_locks_nothing(archive: Archive) -> None:
    archive.close()
    (archive.path / "lock").write_text("1\n")

    with open_again(archive.path, writing=True):
        pass


def test_a_lock_can_be_closed_twice(folder: Path) -> None:
    folder.mkdir()
    lock = WriteLock.acquire(folder, clock=SteppingClock())

    lock.close()
    lock.close()

    WriteLock.acquire(folder, clock=SteppingClock()).close()
