"""The journal: what every run changed, written once, chained by hashes, never rewritten.

A file is named by the run that began it and holds the runs until it is `ENOUGH` long. It
consists of zstd frames; each holds the lines of one commit and a last line that seals it
with the number of the group and the hash of everything so far. Damage is found wherever it
is; a last frame that was cut off by a crash was never confirmed to anybody.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailvault.archive import journal_format
from mailvault.archive.frames import (
    BadFrame,
    Frame,
    compress,
    has_frame_after,
    read_frames,
)
from mailvault.archive.private import explained, open_private, sync_folder
from mailvault.errors import ArchiveDamaged, ArchiveTooNew
from mailvault.mail.changes import Record
from mailvault.mail.json_values import JsonValue
from mailvault.mail.model import RunNumber

log = logging.getLogger(__name__)

VERSION = 1
ENOUGH = 1 << 20
_HINT = "put the file back from a copy of the archive, or heal it with: mailvault repair"


@dataclass(frozen=True, slots=True)
class Position:
    """Everything up to here: the number of groups, their hash, and where the last one ends."""

    sequence: int
    chain: bytes
    file: int = 0
    offset: int = 0

    @classmethod
    def from_json(cls, found: Any) -> "Position | None":  # Any: what JSON may hold
        """Read what `to_json` made, among others; None where it is not that any more."""
        try:
            position = cls(
                int(found["sequence"]),
                bytes.fromhex(found["chain"]),
                int(found["file"]),
                int(found["offset"]),
            )
        except (ValueError, TypeError, KeyError, OverflowError):
            return None
        return None if min(position.sequence, position.file, position.offset) < 0 else position

    def to_json(self) -> dict[str, JsonValue]:
        return {
            "sequence": self.sequence,
            "chain": self.chain.hex(),
            "file": self.file,
            "offset": self.offset,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """What one commit wrote, and the position behind it."""

    records: tuple[Record, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class TornTail:
    """The rest of the last file, which a crash cut off."""

    path: Path
    offset: int


def beginning(archive_id: str) -> Position:
    """The position before the first group; no other archive's journal continues from it."""
    return Position(0, hashlib.sha256(f"mailvault journal {archive_id}".encode()).digest())


class Journal:
    """The journal of one archive. Reading is for everybody, `append` for the lock's holder."""

    def __init__(self, folder: Path, archive_id: str) -> None:
        self._folder = folder
        self._archive_id = archive_id

    def files(self) -> list[tuple[int, Path]]:
        """The files by the number of the run that began them, oldest first."""
        found = self._folder.glob("*.zst")
        return sorted((int(path.stem), path) for path in found if path.stem.isdecimal())

    def groups(self, after: Position) -> Iterator[Group | TornTail]:
        """Yield every group behind a position, and a torn tail if the last file has one.

        ``after`` is the beginning, or what the catalog was told: nothing behind that was
        ever confirmed, so there any rubbish at the very end is the trace of a crash.

        Raises:
            ArchiveDamaged: a file is missing, cut short or altered.
        """
        files = [(number, path) for number, path in self.files() if number >= after.file]
        self._check_start(files, after)
        position = after
        for number, path in files:
            if path.is_symlink():
                raise self._damaged(path, 0, "it is a link, and not the file itself")
            start = after.offset if number == after.file else 0
            try:
                for frame in read_frames(path, start):
                    group = self._open_group(path, number, frame, position)
                    position = group.position
                    yield group
            except BadFrame as bad:
                is_last = path == files[-1][1] and not has_frame_after(path, bad.offset)
                is_unconfirmed = bad.is_cut_off or after.sequence > 0
                if not (is_last and is_unconfirmed):
                    raise self._damaged(path, bad.offset, str(bad)) from bad
                yield TornTail(path, bad.offset)

    def append(self, records: Sequence[Record], run: RunNumber, after: Position) -> Position:
        """Write a group behind the last one and make it durable."""
        starts_file = after.file == 0 or (after.offset >= ENOUGH and after.file != run)
        file, offset = (run, 0) if starts_file else (after.file, after.offset)
        lines = b"".join(map(journal_format.encode, records))
        if starts_file:
            lines = _line(["journal", VERSION, self._archive_id]) + lines
        sequence = after.sequence + 1
        chain = _chained(after.chain, lines)
        frame = compress(lines + _line(["seal", sequence, chain.hex()]))
        self._write(self._path(file), offset, frame)
        return Position(sequence, chain, file, offset + len(frame))

    def cut(self, tail: TornTail) -> None:
        """Remove what a crash left behind the last whole group."""
        log.warning("%s: dropped an unfinished group at octet %d", tail.path, tail.offset)
        with explained(tail.path):
            if tail.offset == 0:
                tail.path.unlink()
                sync_folder(self._folder)
                return
            descriptor = open_private(tail.path, os.O_WRONLY)
            try:
                os.ftruncate(descriptor, tail.offset)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _path(self, file: int) -> Path:
        return self._folder / f"{file:08d}.zst"

    def _write(self, path: Path, offset: int, frame: bytes) -> None:
        with explained(path):
            descriptor = open_private(path, os.O_WRONLY | os.O_CREAT)
            try:
                _write_durably(descriptor, offset, frame)
            finally:
                os.close(descriptor)
            if offset == 0:
                sync_folder(self._folder)

    def _check_start(self, files: list[tuple[int, Path]], after: Position) -> None:
        if after.file == 0:
            return
        path = self._path(after.file)
        if not files or files[0][1] != path:
            raise ArchiveDamaged(f"{path} is missing", hint=_HINT)
        with explained(path):
            size = path.stat().st_size
        if size < after.offset:
            lost = after.offset - size
            raise ArchiveDamaged(f"{path} lost its last {lost} octets", hint=_HINT)

    def _open_group(self, path: Path, number: int, frame: Frame, after: Position) -> Group:
        """Check the seal and the chain, then read the records."""
        lines = frame.content.splitlines(keepends=True)
        sequence, chain = after.sequence + 1, _chained(after.chain, b"".join(lines[:-1]))
        if not lines or lines[-1] != _line(["seal", sequence, chain.hex()]):
            start = after.offset if number == after.file else 0
            raise self._damaged(path, start, f"group {sequence} does not follow the one before")
        if number != after.file:
            self._check_first_line(path, lines.pop(0))
        try:
            records = tuple(map(journal_format.decode, lines[:-1]))
        except ValueError as error:
            raise ArchiveTooNew(
                f"{path}: group {sequence} holds what this release cannot read: {error}",
                hint="install a newer mailvault",
            ) from error
        return Group(records, Position(sequence, chain, number, frame.end))

    def _check_first_line(self, path: Path, line: bytes) -> None:
        first = json.loads(line)
        if first[:1] != ["journal"] or first[2:] != [self._archive_id]:
            raise self._damaged(path, 0, "it belongs to another archive")
        if first[1] > VERSION:
            raise ArchiveTooNew(
                f"{path} has journal version {first[1]}", hint="install a newer mailvault"
            )

    def _damaged(self, path: Path, offset: int, reason: str) -> ArchiveDamaged:
        return ArchiveDamaged(f"{path} is damaged at octet {offset}: {reason}", hint=_HINT)


def archive_ids_of(folder: Path) -> Iterator[str]:
    """The archives that the files of a journal say they belong to."""
    for path in sorted(folder.glob("*.zst")):
        identifier = archive_id_of(path)
        if identifier is not None:
            yield identifier


def archive_id_of(path: Path) -> str | None:
    """What the first line of a file says; None where it is damaged, or of something else."""
    try:
        frame = next(read_frames(path), None)
        if frame is None:
            return None
        name, _, identifier = json.loads(frame.content.partition(b"\n")[0])
    except (BadFrame, OSError, ValueError, TypeError):
        return None
    return identifier if name == "journal" and isinstance(identifier, str) else None


def _chained(chain: bytes, lines: bytes) -> bytes:
    return hashlib.sha256(chain + lines).digest()


def _line(value: list[object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _write_durably(descriptor: int, offset: int, frame: bytes) -> None:
    """Write and fsync; whatever fails, try to leave nothing half-written behind."""
    try:
        view = memoryview(frame)
        while view:
            written = os.pwrite(descriptor, view, offset + len(frame) - len(view))
            view = view[written:]
        os.ftruncate(descriptor, offset + len(frame))
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, offset)
        raise
