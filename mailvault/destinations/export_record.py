"""What an export writes down of itself: its format, which path is which mailbox, how far it is.

JSON lines, only ever appended to. Whoever holds the record open is the only one who writes
to the export.
"""

import fcntl
import json
import os
from collections.abc import Iterator

from mailvault.destinations.files import write_all
from mailvault.errors import DestinationError

_VERSION = 1
_LONGEST_LINE = 16 << 20


class ExportRecord:
    """An open record. ``is_new`` says that the export begins with it."""

    def __init__(self, folder: int, name: str, format_name: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._first: dict[str, object] = {"mailvault_export": _VERSION, "format": format_name}
        self._file = os.open(name, flags, 0o600, dir_fd=folder)
        try:
            self._lock()
            self.is_new = os.fstat(self._file).st_size == 0
            if self.is_new:
                self.write(self._first)
            else:
                self._mend()
        except BaseException:
            os.close(self._file)
            raise

    def is_of_this_format(self) -> bool:
        return next(self._lines(), None) == self._first

    @property
    def first(self) -> dict[str, object]:
        """What says that this is an export, and in which format."""
        return self._first

    def entries(self) -> Iterator[dict[str, object]]:
        """What was written down so far; lines that say nothing are left out."""
        lines = self._lines()
        next(lines, None)
        return (line for line in lines if isinstance(line, dict))

    def write(self, *entries: object) -> None:
        text = "".join(json.dumps(entry) + "\n" for entry in entries)
        write_all(self._file, text.encode())

    def restart(self) -> None:
        """Forget everything that was written down."""
        os.ftruncate(self._file, 0)
        self.write(self._first)

    def save(self) -> None:
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DestinationError(
                "another export is writing to it", hint="wait until it has ended"
            ) from error

    def _mend(self) -> None:
        """End the line that a killed export left half."""
        size = os.fstat(self._file).st_size
        if os.pread(self._file, 1, size - 1) != b"\n":
            write_all(self._file, b"\n")

    def _lines(self) -> Iterator[object]:
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            while line := file.readline(_LONGEST_LINE):
                yield _json(line)


def texts(value: object) -> tuple[str, ...] | None:
    """A list of strings, or None if it is anything else."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


def _json(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
