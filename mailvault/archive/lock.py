"""One writer at a time: the kernel holds the lock and frees it when its owner dies."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from mailvault.archive.private import explained, open_private
from mailvault.errors import ArchiveLocked, NoSpace
from mailvault.ports import Clock

LOCK = "lock"
LEASE = "lease"
_PAUSE = 0.1


class WriteLock:
    """The right to write to an archive, until closed. Readers need none."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    file = LOCK

    @classmethod
    def acquire(cls, archive: Path, *, clock: Clock, wait: float = 0.0) -> Self:
        """Take the lock, trying for ``wait`` seconds. Raises ArchiveLocked."""
        with explained(archive):
            descriptor = open_private(archive / cls.file, os.O_RDWR | os.O_CREAT)
        try:
            deadline = clock.monotonic() + wait
            while not _is_taken(descriptor):
                if clock.monotonic() >= deadline:
                    raise cls._locked(archive, _owner(descriptor))
                clock.sleep(_PAUSE)
            with suppress(NoSpace), explained(archive):  # it only names who has the lock
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor)

    @staticmethod
    def _locked(archive: Path, owner: str) -> ArchiveLocked:
        return ArchiveLocked(
            f"{archive} is in use by {owner}",
            hint="wait until it ends; reading commands work meanwhile",
        )

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _is_taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(descriptor: int) -> str:
    pid = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
    return f"process {pid}" if pid.isdigit() else "another process"


class Lease(WriteLock):
    """The right to run the schedules of an archive. Other commands need none."""

    file = LEASE

    @staticmethod
    def _locked(archive: Path, owner: str) -> ArchiveLocked:
        return ArchiveLocked(
            f"{owner} already runs the schedules of {archive}",
            hint="one is enough: the daemon, or a timer or crontab that calls run --due",
        )
