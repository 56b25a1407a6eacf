"""Writing files that nothing can be lost through: staged, synced, published, never replaced.

Every path is walked from an open folder, one component at a time, and follows no symbolic
link, so that a name can never lead out of the destination.
"""

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from mailvault.errors import DestinationError, NoSpace
from mailvault.mail.headers import HEADER_LIMIT
from mailvault.mail.model import Digest, Octets

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_STAGING = re.compile(r"\.[0-9a-f]{16}\.partial")
_NO_LINKS = {errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


@contextmanager
def writing(what: object) -> Iterator[None]:
    """Say of an operating system's error what it means for the export."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoSpace(f"no space left to write {what}") from error
        raise DestinationError(f"{what} cannot be written: {error.strerror}") from error


def open_folder(parent: int, name: str) -> int:
    """Open a folder, which is made if it is not there."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
    return os.open(name, _FOLDER, dir_fd=parent)


def open_path(root: int, path: tuple[str, ...]) -> int:
    """Open a folder below ``root``, however deep; the caller closes it."""
    folder = os.dup(root)
    for name in path:
        try:
            inner = open_folder(folder, name)
        finally:
            os.close(folder)
        folder = inner
    return folder


def entries(folder: int) -> list[str]:
    return os.listdir(folder)


def remove_stale(folder: int) -> None:
    """Remove what a killed export left unfinished; nobody else writes here now."""
    for name in filter(_STAGING.fullmatch, entries(folder)):
        os.unlink(name, dir_fd=folder)


def staging_name() -> str:
    return f".{secrets.token_hex(8)}.partial"


def open_new(folder: int, name: str) -> int:
    """Make a file that must not be there yet."""
    return os.open(name, _NEW_FILE, 0o600, dir_fd=folder)


def write_all(file: int, octets: bytes) -> None:
    view = memoryview(octets)
    while view:
        view = view[os.write(file, view) :]


def chunks(octets: Octets) -> Iterator[bytes]:
    """The octets of a message in pieces that fit in memory."""
    if isinstance(octets, bytes):
        yield octets
    else:
        yield from octets.chunks()


@dataclass(frozen=True, slots=True)
class Staged:
    """A message that is safely on the disk, under a name nobody looks at yet."""

    digest: Digest
    size: int
    bare_line_feeds: int
    head: bytes


def stage(folder: int, name: str, octets: Octets, date: datetime | None) -> Staged:
    """Write a new file and make it durable; its time is the message's, if it has one."""
    file = open_new(folder, name)
    try:
        staged = _copy(file, octets)
        if date is not None:
            os.utime(file, (date.timestamp(), date.timestamp()))
        os.fsync(file)
    except BaseException:
        os.unlink(name, dir_fd=folder)
        raise
    finally:
        os.close(file)
    return staged


def _copy(file: int, octets: Octets) -> Staged:
    sha256 = hashlib.sha256()
    size = bare = 0
    head = last = b""
    for chunk in chunks(octets):
        write_all(file, chunk)
        sha256.update(chunk)
        size += len(chunk)
        bare += chunk.count(b"\n") - chunk.count(b"\r\n")
        bare -= last == b"\r" and chunk.startswith(b"\n")
        last = chunk[-1:] or last
        if len(head) < HEADER_LIMIT:
            head += chunk[: HEADER_LIMIT - len(head)]
    return Staged(Digest(sha256.digest()), size, bare, head)


def publish(source: str, source_folder: int, target: str, target_folder: int) -> bool:
    """Give a staged file its name; False if something has that name already."""
    try:
        os.link(
            source,
            target,
            src_dir_fd=source_folder,
            dst_dir_fd=target_folder,
            follow_symlinks=False,
        )
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:  # FAT and some network file systems have no links
            raise
        if exists(target, target_folder):
            return False
        os.rename(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder)
        return True
    os.unlink(source, dir_fd=source_folder)
    return True


def exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
