"""Reads a damaged volume by other paths, where the usual one is broken.

SQLite finds every table by the first page of a file, and a pack by the numbers in the pages
above it: a flipped bit there hides what is whole itself.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mailvault.archive.codec import BadFrame
from mailvault.archive.content.packs import PackCache, PackKey
from mailvault.archive.content.volume import SCHEMA, Extent, Volume, connect, cut
from mailvault.archive.content.volume_writer import PAGE_SIZE
from mailvault.archive.private import explained, make_folder

_FOLDER = "mending"
_COUNTED = (slice(18, 20), slice(24, 40), slice(40, 44), slice(92, 100))
"""What differs from volume to volume: journal mode, counters, sizes, versions."""


class BrokenVolume(Volume):
    """A volume that is read whatever it says of itself."""

    def __init__(self, path: Path, archive_id: str) -> None:
        super().__init__(path, archive_id, PackCache(), is_believed=True)
        self._absent: set[int] = set()

    def _read(self, key: PackKey, extent: Extent) -> bytes:
        try:
            return super()._read(key, extent)
        except (BadFrame, sqlite3.Error):
            piece = self._piece(extent)
            if piece is not None:
                return piece
            if extent.pack in self._absent:
                raise
            pack = self._walk_to(extent.pack)
            if pack is None:
                self._absent.add(extent.pack)
                raise
        self._cache.put(key, pack)
        return cut(pack, extent)

    def _piece(self, extent: Extent) -> bytes | None:
        """Read no more of a pack than a frame: it may break off behind it."""
        try:
            with self._open().blobopen("pack", "frames", extent.pack, readonly=True) as blob:
                if not 0 <= extent.offset <= len(blob) - extent.length:
                    return None
                blob.seek(extent.offset)
                return blob.read(extent.length)
        except (sqlite3.Error, OverflowError):
            return None

    def _walk_to(self, number: int) -> bytes | None:
        """Find a pack by going through all of them."""
        # "+" keeps SQLite from looking the number up in the pages above.
        query = "SELECT frames FROM pack WHERE +id = ?"
        try:
            row = self._open().execute(query, (number,)).fetchone()
        except (sqlite3.Error, OverflowError):
            return None
        return row[0] if row and isinstance(row[0], bytes) else None


@contextmanager
def with_first_page(volume: Volume, tmp: Path) -> Iterator[BrokenVolume | None]:
    """A copy of a volume with the first page that it should have; None if that is sound."""
    folder = tmp / _FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    with explained(volume.path):
        make_folder(folder)
        page = _first_page(folder / "empty.db")
        if not _is_damaged(volume.path, page):
            yield None
            return
        copy = folder / volume.path.name
        _copy(volume.path, copy, page)
    mended = BrokenVolume(copy, volume.archive_id)
    try:
        yield mended
    finally:
        mended.disconnect()
        shutil.rmtree(folder, ignore_errors=True)


def _first_page(path: Path) -> bytes:
    """The tables of all volumes are made at once, so their roots lie at the same places."""
    path.touch()
    with closing(connect(path, (f"page_size={PAGE_SIZE}",))) as connection:
        connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
    return path.read_bytes()[:PAGE_SIZE]


def _is_damaged(path: Path, sound: bytes) -> bool:
    if not path.is_file() or path.is_symlink():
        return False
    with path.open("rb") as file:
        found = file.read(PAGE_SIZE)
    if len(found) < PAGE_SIZE or path.stat().st_size < int.from_bytes(found[28:32]) * PAGE_SIZE:
        return True
    return _comparable(found) != _comparable(sound)


def _comparable(page: bytes) -> bytes:
    octets = bytearray(page)
    for each in _COUNTED:
        octets[each] = bytes(each.stop - each.start)
    return bytes(octets)


def _copy(path: Path, copy: Path, page: bytes) -> None:
    shutil.copyfile(path, copy)
    log = path.with_name(f"{path.name}-wal")
    octets = bytearray(page)
    if log.is_file():
        shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))
        octets[18:20] = b"\2\2"
    octets[28:32] = (copy.stat().st_size // PAGE_SIZE).to_bytes(4)
    with copy.open("r+b") as file:
        file.write(octets)
