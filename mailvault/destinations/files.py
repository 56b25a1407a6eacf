"""Writing files that nothing can be lost through: staged, synced, published, never replaced.

Every path is walked from an open folder, one component at a time, and follows no symbolic
link, so that a name can never lead out of the destination.
"""

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator
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
            raise NoSpace(
                f"no space left to write {what}",
                hint="make room and run the same command again; it goes on from here",
            ) from error
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


def entries(folder: int) -> Iterator[str]:
    """The names in a folder; there may be millions, so they come one by one."""
    with os.scandir(folder) as found:
        for entry in found:
            yield entry.name


def remove_stale(folder: int) -> None:
    """Remove what a killed export left unfinished; nobody else writes here now."""
    for name in list(filter(_STAGING.fullmatch, entries(folder))):
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
class Measured:
    """What the name of a message's file says of it."""

    digest: Digest
    size: int
    bare_line_feeds: int
    head: bytes


class Measurement:
    """Measures a message as its pieces go by."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._size = self._bare = 0
        self._head = self._last = b""

    def passing(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._sha256.update(piece)
            self._size += len(piece)
            self._bare += piece.count(b"\n") - piece.count(b"\r\n")
            self._bare -= self._last == b"\r" and piece.startswith(b"\n")
            self._last = piece[-1:] or self._last
            if len(self._head) < HEADER_LIMIT:
                self._head += piece[: HEADER_LIMIT - len(self._head)]
            yield piece

    def result(self) -> Measured:
        digest = Digest(self._sha256.digest())
        return Measured(digest, self._size, self._bare, self._head)


def measured(octets: Octets) -> Measured:
    """Measure a message before it is written: its name may depend on that."""
    measurement = Measurement()
    for _ in measurement.passing(chunks(octets)):
        pass
    return measurement.result()


@dataclass(frozen=True, slots=True)
class Staged:
    """A message in an open file under a name nobody looks at yet, and not yet durable."""

    file: int
    name: str
    measured: Measured


def stage(folder: int, octets: Octets, date: datetime | None) -> Staged:
    """Write a new file; its time is the message's, if it has one. The caller closes it."""
    name = staging_name()
    file = open_new(folder, name)
    try:
        measurement = Measurement()
        for piece in measurement.passing(chunks(octets)):
            write_all(file, piece)
        if date is not None:
            os.utime(file, (date.timestamp(), date.timestamp()))
    except BaseException:
        os.close(file)
        os.unlink(name, dir_fd=folder)
        raise
    return Staged(file, name, measurement.result())


def unstage(staged: Staged, folder: int) -> None:
    """Remove a staged file that is not wanted."""
    os.close(staged.file)
    os.unlink(staged.name, dir_fd=folder)


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


def is_same_file(name: str, other: str, folder: int) -> bool:
    """Whether both names are there and are links to one file."""
    try:
        states = [os.stat(each, dir_fd=folder, follow_symlinks=False) for each in (name, other)]
    except FileNotFoundError:
        return False
    return os.path.samestat(*states)
