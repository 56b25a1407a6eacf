"""Makes a volume anew without some of its objects: written, proved, and only then switched.

The new file takes the place and the number of the old one in a single rename. Until then
nothing has changed, and a reader that has the old file open goes on reading it. What is put
there is sealed: nobody will ever write a journal beside it, so no reader of the old file can
meet one that is not its own.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive.codec import BadFrame
from mailvault.archive.content.failures import explained_volume
from mailvault.archive.content.packs import PACK_SIZE, PackCache
from mailvault.archive.content.page_cache import evict
from mailvault.archive.content.volume import SCHEMA, Extent, Volume, connect, extent_of
from mailvault.archive.content.volume_writer import (
    PAGE_SIZE,
    VolumeWriter,
    finish_sealing,
)
from mailvault.archive.journal_mode import JournalMode
from mailvault.archive.private import explained, make_folder, open_private, sync_folder
from mailvault.errors import ArchiveDamaged, ArchiveError

REWRITING = "rewriting"
"""The folder in which a new volume is made; what a kill leaves there is worth nothing."""

ROWS = "SELECT digest, part, pack, offset, length, size, kind, dictionary FROM object"


_IN_ORDER = "ORDER BY pack, offset"
_DICTIONARIES = "SELECT id, content, spare FROM dictionary"


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A row of the index."""

    digest: bytes
    part: int
    extent: Extent


def clear(tmp: Path) -> None:
    """Remove what a killed rewriting left."""
    shutil.rmtree(tmp / REWRITING, ignore_errors=True)


def seal(volume: Volume, journal: JournalMode) -> None:
    """Let nobody write to a volume any more; the next message begins another one."""
    if volume.values().get("sealed"):
        volume.disconnect()
        finish_sealing(volume.path)
        return
    writer = VolumeWriter(volume, journal)
    try:
        writer.commit(is_full=True)
        writer.make_single_file()
    finally:
        writer.close()


def rewrite(volume: Volume, dead: set[bytes], tmp: Path) -> int:
    """Put a sealed volume without the dead objects in its place; return what that saves.

    Raises:
        ArchiveDamaged: not all that is to stay can be read; then nothing was changed.
    """
    draft = draft_path(volume, tmp)
    try:
        write(volume, draft, _living(volume, dead))
        prove(volume, draft, dead)
        return _switch(volume, draft)
    except BadFrame as error:
        raise ArchiveDamaged(
            f"{volume.path} is damaged: {error}", hint="heal it with: mailvault repair"
        ) from error
    finally:
        clear(tmp)


def stored_frames(
    volume: Volume, where: str = "", values: tuple[object, ...] = ()
) -> Iterator[StoredFrame]:
    """The rows of the index that a condition selects."""
    for digest, part, *place in volume.rows(f"{ROWS} {where}", values):
        if isinstance(digest, bytes) and isinstance(part, int):
            yield StoredFrame(digest, part, extent_of(place))


def _living(volume: Volume, dead: set[bytes]) -> Iterator[StoredFrame]:
    every = stored_frames(volume, _IN_ORDER)
    return (frame for frame in every if frame.digest not in dead)


def draft_path(volume: Volume, tmp: Path) -> Path:
    """Where the new file is made."""
    clear(tmp)
    with explained(tmp):
        make_folder(tmp / REWRITING)
    return tmp / REWRITING / volume.path.name


def write(source: Volume, draft: Path, frames: Iterable[StoredFrame]) -> None:
    """Make a sealed volume of frames of another one. Durable when this returns."""
    with explained_volume(draft):
        os.close(open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        # Worth nothing before it is complete, so it needs no journal.
        pragmas = (f"page_size={PAGE_SIZE}", "journal_mode=OFF", "synchronous=OFF")
        with closing(connect(draft, pragmas)) as connection:
            connection.execute("BEGIN")
            _Draft(connection, source).fill(frames)
            connection.execute("COMMIT")
        descriptor = open_private(draft, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(draft.parent)


class _Draft:
    """A volume that is being written from another one."""

    def __init__(self, connection: sqlite3.Connection, source: Volume) -> None:
        self._connection = connection
        self._source = source
        self._dictionaries: set[int] = set()
        self._frames = bytearray()
        self._rows: list[tuple[object, ...]] = []
        self._pack = 1

    def fill(self, frames: Iterable[StoredFrame]) -> None:
        for statement in SCHEMA.split(";"):
            self._connection.execute(statement)
        for frame in frames:
            self._place(frame)
        self._flush()
        self._describe()

    def _place(self, frame: StoredFrame) -> None:
        extent = frame.extent
        octets = self._source.frame(extent)
        self._take_dictionary(extent.dictionary)
        if self._frames and len(self._frames) + len(octets) > 2 * PACK_SIZE:
            self._flush()
        place = (self._pack, len(self._frames), len(octets))
        rest = (extent.size, extent.kind, extent.dictionary)
        self._rows.append((frame.digest, frame.part, *place, *rest))
        self._frames += octets
        if len(self._frames) >= PACK_SIZE:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        self._connection.execute("INSERT INTO pack VALUES (?, ?)", (self._pack, self._frames))
        self._connection.executemany(
            "INSERT INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._rows
        )
        self._frames, self._rows = bytearray(), []
        self._pack += 1

    def _take_dictionary(self, number: int | None) -> None:
        if number is None or number in self._dictionaries:
            return
        self._dictionaries.add(number)
        for row in self._source.rows(f"{_DICTIONARIES} WHERE id = ?", (number,)):
            self._connection.execute("INSERT INTO dictionary VALUES (?, ?, ?)", row)

    def _describe(self) -> None:
        own = {"archive": self._source.archive_id, "number": self._source.number, "sealed": 1}
        values = {**_read_values(self._source), **own}
        self._connection.executemany("INSERT INTO volume VALUES (?, ?)", values.items())
        self._connection.executemany(
            "INSERT INTO superseded SELECT DISTINCT digest FROM object WHERE digest = ?",
            [(digest,) for digest in _read_superseded(self._source)],
        )


def _read_values(volume: Volume) -> dict[str, object]:
    try:
        values = volume.values()
    except ArchiveError:  # it is being saved from itself
        return {}
    return {k: v for k, v in values.items() if isinstance(k, str) and isinstance(v, int | str)}


def _read_superseded(volume: Volume) -> list[bytes]:
    try:
        joined = volume.superseded()
    except ArchiveError:
        return []
    return [joined[at : at + 32] for at in range(0, len(joined), 32)]


def prove(source: Volume, path: Path, dead: set[bytes]) -> None:
    """Compare every frame of the draft, read from the disk, with the one it was made from.

    Raises:
        ArchiveError: they are not the same.
    """
    draft = Volume(path, source.archive_id, PackCache())
    try:
        evict([path])
        ours = stored_frames(draft, _IN_ORDER)
        for mine, other in zip(ours, _living(source, dead), strict=True):
            if _content(draft, mine) != _content(source, other):
                raise ArchiveError(f"{path}: what was written is not what was read")
        used = set(draft.rows(_DICTIONARIES))
        if not used <= set(source.rows(_DICTIONARIES)) or draft.structure_faults():
            raise ArchiveError(f"{path}: it is damaged while it is new")
    except ValueError as error:
        raise ArchiveError(f"{path}: not all that was to stay was written") from error
    finally:
        draft.disconnect()


def _content(volume: Volume, frame: StoredFrame) -> tuple[object, ...]:
    extent = frame.extent
    kept = (frame.digest, frame.part, extent.size, extent.kind, extent.dictionary)
    return (*kept, volume.frame(extent))


def _switch(volume: Volume, draft: Path) -> int:
    with explained(volume.path):
        saved = volume.path.stat().st_size - draft.stat().st_size
        volume.replace_file(draft)
        sync_folder(volume.path.parent)
    return saved
