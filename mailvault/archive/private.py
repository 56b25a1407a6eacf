"""Folders and files that nobody else may read, and failures of the disk in our own words."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mailvault.errors import ArchiveError, NoSpace

FOLDER_MODE = 0o700
FILE_MODE = 0o600

_FULL = {errno.ENOSPC, errno.EDQUOT}
_PROBE = 1 << 20
_HINTS = {
    errno.EROFS: "the file system is mounted read-only; reading the archive still works",
    errno.EACCES: "the archive belongs to another user, or its permissions were changed",
    errno.EPERM: "the archive belongs to another user, or its permissions were changed",
    errno.EIO: "the disk reports errors: look at the kernel's log before writing more to it",
}


def make_folder(path: Path) -> None:
    """Create a folder, and its parents, for the owner alone whatever the umask."""
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=FOLDER_MODE, exist_ok=True)
    path.chmod(FOLDER_MODE)


def open_private(path: Path, flags: int) -> int:
    """Open a file by descriptor; one that is created is for the owner alone."""
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    if flags & os.O_CREAT:
        os.fchmod(descriptor, FILE_MODE)
    return descriptor


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file so that a crash leaves the old one, the new one, or none."""
    draft = path.with_name(f"{path.name}.new")
    with open(open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def replace_file(path: Path, content: bytes, *, not_before: int = 0) -> None:
    """As `write_file`, for what can be made again: not durable before the file system is.

    Its time is not before the given second.
    """
    draft = path.with_name(f"{path.name}.new")
    descriptor = open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    if draft.stat().st_mtime < not_before:
        os.utime(draft, (not_before, not_before))
    draft.replace(path)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def disk_usage(path: Path) -> int:
    """Octets of all files below a folder; one that has several names counts once."""
    octets = 0.0
    for entry in path.rglob("*"):
        with suppress(FileNotFoundError):  # a writer is at work
            status = entry.lstat()
            if stat.S_ISREG(status.st_mode):
                octets += status.st_size / status.st_nlink
    return round(octets)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an OSError on the archive into an ArchiveError that says what to do."""
    try:
        yield
    except OSError as error:
        raise explain(path, error) from error


def explain(path: Path, error: OSError) -> ArchiveError:
    place = error.filename if isinstance(error.filename, str) else path
    reason = (error.strerror or str(error)).lower()
    if error.errno in _FULL:
        return no_space(path, reason)
    return ArchiveError(f"{place}: {reason}", hint=_HINTS.get(error.errno or 0))


def no_space(path: Path, reason: str) -> NoSpace:
    return NoSpace(
        f"{path}: {reason}",
        hint="make room and run the command again; what was archived before is whole",
    )


def disk_failed(path: Path, reason: str) -> ArchiveError:
    """Say why a file could not be written or synced, of which only that is known.

    SQLite tells a full quota, or a disk that is found full by fsync, as it tells any failure.
    """
    if _is_full(path.parent):
        return no_space(path, "the disk or the quota is full")
    return ArchiveError(
        f"{path}: {reason}", hint="the disk or the quota fails; see the kernel's log"
    )


def _is_full(folder: Path) -> bool:
    """Whether a little more cannot be written there."""
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            os.pwrite(probe.fileno(), bytes(_PROBE), 0)
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno in _FULL
    return False
