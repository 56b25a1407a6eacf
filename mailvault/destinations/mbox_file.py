"""One mbox file that an export fills, and its marks: how far it is, and what is in it.

While it is being filled the file has a hidden name, so that nobody opens half of one. Every
mark says how long the file is and which messages it holds; what a killed export wrote after
the last mark is cut off, and written again.
"""

import base64
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from mailvault.destinations.copies import KEY_OCTETS, Copies, mailbox_key
from mailvault.destinations.export_record import ExportRecord, texts
from mailvault.destinations.files import (
    Measurement,
    chunks,
    is_same_file,
    publish,
    write_all,
)
from mailvault.errors import DestinationError
from mailvault.mail.mbox import from_line, quoted, with_status
from mailvault.mail.model import Digest, Flags, Octets, digest_of

MARK_OCTETS = 32 << 20
MARK_MESSAGES = 1000

_APPEND = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class Marks:
    """What the record says of one mbox file. ``keys`` are `copy_key`s, one after the other."""

    octets: int = 0
    mtime_ns: int | None = None
    keys: bytearray = field(default_factory=bytearray)

    def add(self, entry: dict[str, object]) -> None:
        octets, keys, mtime_ns = entry.get("octets"), entry.get("keys"), entry.get("mtime_ns")
        if not isinstance(octets, int) or not isinstance(keys, str):
            return
        if entry.get("anew"):
            self.keys.clear()
        self.octets = octets
        self.mtime_ns = mtime_ns if isinstance(mtime_ns, int) else None
        self.keys += base64.b64decode(keys)

    def messages(self) -> Iterable[int]:
        for start in range(0, len(self.keys), KEY_OCTETS):
            yield int.from_bytes(self.keys[start : start + KEY_OCTETS], "big")


def read_marks(entries: Iterable[dict[str, object]]) -> dict[tuple[str, ...], Marks]:
    """Find the marks of every file in a record."""
    marks: dict[tuple[str, ...], Marks] = {}
    for entry in entries:
        path = texts(entry.get("mark"))
        if path is not None:
            marks.setdefault(path, Marks()).add(entry)
    return marks


class MboxFile:
    """Takes over the open folder, and closes it."""

    def __init__(
        self,
        folder: int,
        path: tuple[str, ...],
        record: ExportRecord,
        marks: Marks,
        *,
        is_first: bool,
    ) -> None:
        """``path`` is where the finished file lies.

        ``is_first``: this export opens it first, so what is in it is an earlier one's.
        """
        self._folder = folder
        self._path = path
        self._name = path[-1]
        self._hidden = f".{self._name}.partial"
        self._record = record
        self._marks = marks
        self._new_keys = bytearray()
        self._is_anew = False
        self._file = -1
        try:
            self._find()
        except BaseException:
            self._close()
            raise
        self._copies = Copies(marks.messages() if is_first else ())

    def holds(self, digest: Digest, date: datetime | None) -> bool:
        return self._copies.claim(mailbox_key(digest, date))

    def add(self, octets: Octets, date: datetime | None, *, status: Flags | None) -> None:
        """Add a message; with ``status`` it begins with fields that tell its flags."""
        if self._copies.may_hold and self.holds(digest_of(octets), date):
            return
        if self._file < 0:
            self._take_back()
        start = os.fstat(self._file).st_size
        measurement = Measurement()
        try:
            write_all(self._file, from_line(date))
            pieces = measurement.passing(chunks(octets))
            for piece in quoted(pieces if status is None else with_status(pieces, status)):
                write_all(self._file, piece)
            write_all(self._file, b"\n")
        except BaseException:
            os.ftruncate(self._file, start)  # half a message must not stand before the next
            raise
        self._note(mailbox_key(measurement.result().digest, date))

    def _note(self, key: int) -> None:
        self._copies.number(key)
        self._new_keys += key.to_bytes(KEY_OCTETS, "big")
        grown = os.fstat(self._file).st_size - self._marks.octets
        if grown >= MARK_OCTETS or len(self._new_keys) >= MARK_MESSAGES * KEY_OCTETS:
            self._mark()

    def finish(self) -> None:
        """Make the file durable and give it its name."""
        try:
            if self._file >= 0:
                self._mark(is_finished=True)
                if not publish(self._hidden, self._folder, self._name, self._folder):
                    raise DestinationError(f"{self._name} appeared while it was being written")
            os.fsync(self._folder)
        finally:
            self._close()

    def abandon(self) -> None:
        """Leave the file so that a later export goes on with it."""
        try:
            if self._file >= 0:
                with suppress(OSError):
                    self._mark()
        finally:
            self._close()

    def _find(self) -> None:
        """Open the half file of a killed export, or look at a finished one, or begin anew."""
        if is_same_file(self._hidden, self._name, self._folder):
            os.unlink(self._hidden, dir_fd=self._folder)  # killed while it was being named
        with suppress(FileNotFoundError):
            self._file = os.open(self._hidden, _APPEND, dir_fd=self._folder)
            if os.fstat(self._file).st_size >= self._marks.octets:
                os.ftruncate(self._file, self._marks.octets)
                return
            os.ftruncate(self._file, 0)
            self._forget()
            return
        with suppress(FileNotFoundError):
            self._refuse_changed(
                os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)
            )
            return
        self._forget()
        self._file = os.open(
            self._hidden, _APPEND | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self._folder
        )

    def _refuse_changed(self, found: os.stat_result) -> None:
        if (found.st_size, found.st_mtime_ns) != (self._marks.octets, self._marks.mtime_ns):
            raise DestinationError(
                f"{self._name} is not as the export left it, so it stays as it is",
                hint="export to a new folder",
            )

    def _take_back(self) -> None:
        """Hide a finished file again, for more is to be added."""
        self._refuse_changed(os.stat(self._name, dir_fd=self._folder, follow_symlinks=False))
        self._file = os.open(self._name, _APPEND, dir_fd=self._folder)
        os.rename(self._name, self._hidden, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def _forget(self) -> None:
        """The messages that earlier marks speak of are no longer there."""
        self._marks.octets = 0
        self._marks.mtime_ns = None
        self._marks.keys.clear()
        self._is_anew = True

    def _mark(self, *, is_finished: bool = False) -> None:
        os.fsync(self._file)
        state = os.fstat(self._file)
        entry: dict[str, object] = {
            "mark": self._path,
            "octets": state.st_size,
            "keys": base64.b64encode(self._new_keys).decode(),
        }
        if is_finished:
            entry["mtime_ns"] = state.st_mtime_ns
        if self._is_anew:
            entry["anew"] = True
        self._record.write(entry)
        self._marks.add(entry)
        self._new_keys.clear()
        self._is_anew = False

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        os.close(self._folder)
