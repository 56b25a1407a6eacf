"""A file to import from, open: plain, unpacked on the way, or a stretch of a bigger one.

Whatever goes wrong while it is read is a SourceError that names the file: one damaged file
never stops the others.
"""

import errno
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, Self

from mailvault.errors import SourceError

CHUNK = 1 << 18

_DAMAGE = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    NotImplementedError,  # a way of packing that zipfile does not know
    RuntimeError,  # an encrypted member of a zip
    ValueError,  # names and numbers that zipfile and tarfile cannot make out
    OverflowError,
    struct.error,
)


class OpenedFile(Protocol):
    """A context manager. Reading forwards is cheap, going back may start from the beginning."""

    @property
    def modified(self) -> datetime | None: ...

    @property
    def size(self) -> int | None:
        """Octets; None where only reading tells."""
        ...

    def read(self, limit: int) -> bytes:
        """The next octets, at least one unless the file ends here. Raises SourceError."""
        ...

    def seek(self, offset: int) -> None: ...

    def look(self, offset: int, limit: int) -> bytes | None:
        """Octets from elsewhere, without moving; None where that would cost too much."""
        ...

    def is_unchanged(self) -> bool:
        """Whether nobody wrote to the file since it was opened."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


@contextmanager
def reading(where: object) -> Iterator[None]:
    """Say of an error which file cannot be read, and why."""
    try:
        yield
    except _DAMAGE as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise SourceError(
            f"{where} cannot be read: {reason or error or type(error).__name__}"
        ) from error


def instant(seconds: float) -> datetime | None:
    """A file's time, to the second."""
    try:
        return datetime.fromtimestamp(int(seconds // 1), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def open_regular(path: Path, *, follow: bool = False) -> int:
    """Open a regular file. Never waits for a fifo or a device, never follows a link.

    Raises:
        OSError: it is something else, or may not be read.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    descriptor = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file")
    return descriptor


class DiskFile:
    """A file of its own. Read up to the size it had when it was opened: it may be growing."""

    def __init__(self, path: Path, *, follow: bool = False) -> None:
        self._path = path
        with reading(path):
            self._descriptor = open_regular(path, follow=follow)
        self._stat = os.fstat(self._descriptor)
        self._offset = 0

    @property
    def modified(self) -> datetime | None:
        return instant(self._stat.st_mtime)

    @property
    def size(self) -> int:
        return self._stat.st_size

    def read(self, limit: int) -> bytes:
        octets = self.look(self._offset, limit)
        self._offset += len(octets)
        return octets

    def seek(self, offset: int) -> None:
        self._offset = offset

    def look(self, offset: int, limit: int) -> bytes:
        limit = min(limit, self.size - offset)
        if limit <= 0:
            return b""
        with reading(self._path):
            return os.pread(self._descriptor, limit, offset)

    def is_unchanged(self) -> bool:
        now = os.fstat(self._descriptor)
        return (now.st_size, now.st_mtime_ns) == (self._stat.st_size, self._stat.st_mtime_ns)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Borrowed:
    """Something in another file, which stays open when this is closed."""

    def __init__(self, file: OpenedFile) -> None:
        self._file = file

    def is_unchanged(self) -> bool:
        return self._file.is_unchanged()

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class Section(Borrowed):
    """A stretch of another file."""

    def __init__(
        self, file: OpenedFile, offset: int, size: int, modified: datetime | None
    ) -> None:
        super().__init__(file)
        self._start = offset
        self._at = 0
        self.size = size
        self.modified = modified

    def read(self, limit: int) -> bytes:
        limit = min(limit, self.size - self._at)
        if limit <= 0:
            return b""
        self._file.seek(self._start + self._at)
        octets = self._file.read(limit)
        if not octets:
            raise SourceError("the archive ends in the middle of a file")
        self._at += len(octets)
        return octets

    def seek(self, offset: int) -> None:
        self._at = offset

    def look(self, offset: int, limit: int) -> bytes | None:
        limit = min(limit, self.size - offset)
        return self._file.look(self._start + offset, limit) if limit > 0 else b""
