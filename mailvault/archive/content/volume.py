"""A volume: one SQLite file of at most a given size that holds frames by their digest.

`pack` holds frames laid one after the other, so that the slack of SQLite's pages is paid
once for many messages; `object` says where in a pack each part of an object lies. Reading
goes through `Volume`; what may be written, and when, is in `volume_writer`.
"""

import sqlite3
import stat
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive.codec import LONGEST_FRAME, BadFrame, Dictionary, unpack_dictionary
from mailvault.archive.content.failures import explained_volume
from mailvault.archive.content.open_volumes import OpenVolumes
from mailvault.archive.content.packs import PackCache
from mailvault.errors import ArchiveDamaged, ArchiveTooNew

FORMAT = 1
_LAST_FORMAT = 99
"""No release will write a higher number: it is damage."""
APPLICATION_ID = 0x6D766C74  # "mvlt"
RAW = 0
RECIPE = 1

SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
CREATE TABLE volume (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE dictionary (id INTEGER PRIMARY KEY, content BLOB NOT NULL, spare BLOB);
CREATE TABLE pack (id INTEGER PRIMARY KEY, frames BLOB NOT NULL);
CREATE TABLE object (
  digest BLOB NOT NULL CHECK (typeof(digest) = 'blob' AND length(digest) = 32),
  part INTEGER NOT NULL,
  pack INTEGER NOT NULL REFERENCES pack,
  offset INTEGER NOT NULL,
  length INTEGER NOT NULL,
  size INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  dictionary INTEGER REFERENCES dictionary,
  PRIMARY KEY (digest, part)
) WITHOUT ROWID;
CREATE TABLE superseded (digest BLOB PRIMARY KEY) WITHOUT ROWID;
"""

_BUSY_TIMEOUT = 60.0
_CACHE_KIB = 256
_EXTENTS = """
SELECT pack, offset, length, size, kind, dictionary FROM object
WHERE digest = ? AND pack < ? ORDER BY part
"""
# Damage makes other things of a digest; what is joined is cut apart every 32 octets.
_DIGESTS = """
SELECT digest FROM object WHERE part = 0 AND pack < ?
AND typeof(digest) = 'blob' AND length(digest) = 32 ORDER BY pack, offset
"""
_SUPERSEDED = """
SELECT digest FROM superseded WHERE typeof(digest) = 'blob' AND length(digest) = 32
"""
_COMPRESSIBLE = """
SELECT pack, offset, length, size, kind, dictionary FROM object
WHERE part = 0 AND pack < ? AND size <= ? AND length * 10 < size * 7
ORDER BY pack DESC, offset DESC LIMIT 4096
"""


_ALL = (1 << 63) - 1
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Extent:
    """Where one frame of an object lies."""

    pack: int
    offset: int
    length: int
    size: int
    kind: int
    dictionary: int | None


def volume_path(folder: Path, number: int) -> Path:
    return folder / f"{number:06}.db"


def volume_numbers(folder: Path) -> list[int]:
    """The volumes in a folder, oldest first."""
    if not folder.is_dir():
        return []
    stems = (path.stem for path in folder.iterdir() if path.suffix == ".db")
    return sorted(int(stem) for stem in stems if stem.isdecimal() and stem.isascii())


def connect(path: Path, pragmas: tuple[str, ...]) -> sqlite3.Connection:
    """Open a volume that exists; a symbolic link in its place is refused."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ArchiveDamaged(f"{path} is not a file", hint="put the volume itself there")
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",  # so that a crash is rolled back by SQLite
        uri=True,
        timeout=_BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", *pragmas):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


class Volume:
    """The read side of a volume. Any thread may use it; it connects when first asked."""

    def __init__(
        self,
        path: Path,
        archive_id: str,
        cache: PackCache,
        open_volumes: OpenVolumes | None = None,
        *,
        is_believed: bool = False,
    ) -> None:
        """``is_believed``: open it whatever it says of itself, to save what is in it."""
        self._open_volumes = open_volumes or OpenVolumes()
        self._is_believed = is_believed
        self._readings = 0  # results that are still being walked
        self.path = path
        self.number = int(path.stem)
        self.archive_id = archive_id
        self._cache = cache
        self.lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._is_lent = False
        self._committed = _ALL
        self._dictionaries: dict[int, Dictionary] = {}

    def find(self, digest: bytes) -> list[Extent]:
        """Where the frames of an object lie, in order; empty if it is not here."""
        with self.lock, explained_volume(self.path):
            rows = self._open().execute(_EXTENTS, (digest, self._committed))
            return [extent_of(row) for row in rows]

    def frame(self, extent: Extent) -> bytes:
        """Read one frame. Raises BadFrame where the extent is out of bounds."""
        if not 0 < extent.length <= LONGEST_FRAME:
            raise BadFrame(f"a frame of {extent.length} octets")
        key = (self.number, extent.pack)
        pack = self._cache.get(key)
        if pack is None:
            with self.lock, explained_volume(self.path):
                return self._read(key, extent)
        return cut(pack, extent)

    def dictionary(self, number: int) -> Dictionary:
        """Read a dictionary, or its spare copy. Raises BadFrame if neither is sound."""
        with self.lock:
            if number not in self._dictionaries:
                self._dictionaries[number] = self._read_dictionary(number)
            return self._dictionaries[number]

    def newest_dictionary(self) -> Dictionary | None:
        """The dictionary to compress with; None if there is none, or it is damaged."""
        with self.lock, explained_volume(self.path):
            (number,) = self._open().execute("SELECT max(id) FROM dictionary").fetchone()
        try:
            return None if number is None else self.dictionary(number)
        except BadFrame:
            return None

    def values(self) -> dict[str, object]:
        """What the volume says of itself."""
        with self.lock, explained_volume(self.path):
            return dict(self._open().execute("SELECT key, value FROM volume"))

    def compressible(self, largest: int) -> list[Extent]:
        """Some small objects that are text by the look of them, the newest first."""
        with self.lock, explained_volume(self.path):
            rows = self._open().execute(_COMPRESSIBLE, (self._committed, largest))
            return [extent_of(row) for row in rows]

    def structure_faults(self) -> list[str]:
        """What SQLite finds wrong with everything but what is in the packs.

        Raises ArchiveDamaged where the packs cannot even be counted.
        """
        found: list[str] = []
        with self.lock, explained_volume(self.path):
            for table in ("volume", "dictionary", "object", "superseded"):
                # A quick_check takes as long, and sees no row that stands in another's place.
                rows = self._open().execute(f"PRAGMA integrity_check('{table}')")
                found += [f"{table}: {fault}" for (fault,) in rows if fault != "ok"]
            self._open().execute("SELECT count(*), max(id) FROM pack").fetchone()
        return found

    def digests(self) -> bytes:
        """The digests of all objects, one after the other, in the order they are stored."""
        return self._joined(_DIGESTS, self._committed)

    def superseded(self) -> bytes:
        """The digests of objects stored here because an older volume's are damaged."""
        return self._joined(_SUPERSEDED)

    def rows(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[object, ...]]:
        """Run a query that only looks. Whoever stops half-way keeps nobody waiting."""
        with self.lock, explained_volume(self.path):
            cursor = self._open().execute(query, values)
            self._readings += 1
        try:
            while True:
                with self.lock, explained_volume(self.path):
                    page = cursor.fetchmany(_PAGE)
                yield from page
                if len(page) < _PAGE:
                    return
        finally:
            self._readings -= 1

    def lend(self, connection: sqlite3.Connection) -> None:
        """Read through the writer's connection, which no lock of its own can keep out."""
        self.disconnect()
        with self.lock:
            self._connection, self._is_lent = connection, True

    def show_packs_before(self, number: int | None) -> None:
        """Hide what the writer has not committed; None shows everything."""
        with self.lock:
            self._committed = _ALL if number is None else number

    def forget(self) -> None:
        """Drop what is held in memory of the volume."""
        with self.lock, explained_volume(self.path):
            self._dictionaries.clear()
            if self._connection is not None:
                self._connection.execute("PRAGMA shrink_memory")

    def replace_file(self, draft: Path) -> None:
        """Put another file in the place of this volume, while nobody here reads it."""
        with self.lock:
            self.disconnect()
            draft.replace(self.path)
            self._dictionaries.clear()
            self._cache.drop(self.number)

    def close_if_idle(self) -> bool:
        """Close the connection unless a thread reads, or the writer lent it."""
        if not self.lock.acquire(blocking=False):
            return False
        try:
            if self._readings or self._is_lent:
                return False
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            return True
        finally:
            self.lock.release()

    def disconnect(self) -> None:
        """Close the connection, or give it back; the next reading opens another."""
        with self.lock:
            if self._connection is not None:
                self._open_volumes.closed(self)
            if self._connection is not None and not self._is_lent:
                self._connection.close()
            self._connection, self._is_lent = None, False
            self._committed = _ALL

    def _joined(self, query: str, *values: int) -> bytes:
        with self.lock, explained_volume(self.path):
            return b"".join(digest for (digest,) in self._open().execute(query, values))

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = connect(self.path, ("query_only=ON", f"cache_size=-{_CACHE_KIB}"))
            try:
                if not is_empty(connection):
                    if not self._is_believed:
                        check_identity(connection, self.path, self.archive_id)
                    self._connection = connection
                    self._open_volumes.opened(self)
                    return connection
            except BaseException:
                connection.close()
                raise
            # A crash can leave a volume in which nothing was ever committed.
            connection.close()
            self._connection = _nothing()
        return self._connection

    def _read(self, key: tuple[int, int], extent: Extent) -> bytes:
        try:
            blob = self._open().blobopen("pack", "frames", extent.pack, readonly=True)
        except (sqlite3.OperationalError, OverflowError) as error:
            raise BadFrame(f"there is no pack {extent.pack}: {error}") from error
        with blob:
            if len(blob) <= self._cache.longest:
                pack = blob.read()
                self._cache.put(key, pack)
                return cut(pack, extent)
            if not 0 <= extent.offset <= len(blob) - extent.length:
                raise BadFrame("it reaches beyond its pack")
            blob.seek(extent.offset)
            return blob.read(extent.length)

    def _read_dictionary(self, number: int) -> Dictionary:
        query = "SELECT content, spare FROM dictionary WHERE id = ?"
        with explained_volume(self.path):
            copies = self._open().execute(query, (number,)).fetchone() or ()
        reason = "it is missing"
        for copy in copies:
            if copy is None:
                continue
            try:
                return unpack_dictionary(copy)
            except BadFrame as error:
                reason = str(error)
        raise BadFrame(f"dictionary {number}: {reason}")


def _nothing() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.executescript(SCHEMA)
    return connection


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever committed to a volume."""
    query = "SELECT count(*) FROM sqlite_schema"
    return bool(connection.execute(query).fetchone() == (0,))


def check_identity(connection: sqlite3.Connection, path: Path, archive_id: str) -> None:
    """Refuse a file that is not this very volume of this archive."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID or not 0 < version <= _LAST_FORMAT:
        raise ArchiveDamaged(f"{path} is not a volume of mailvault")
    if version > FORMAT:
        raise ArchiveTooNew(
            f"{path} was written by a later release of mailvault",
            hint="upgrade mailvault; if no later release was ever used here, the file is"
            " damaged: put it back from a copy",
        )
    values = dict(connection.execute("SELECT key, value FROM volume"))
    if values.get("archive") != archive_id:
        raise ArchiveDamaged(f"{path} belongs to another archive")
    if values.get("number") != int(path.stem):
        raise ArchiveDamaged(f"{path} is volume {values.get('number')}")


def extent_of(row: Sequence[object]) -> Extent:
    """Read pack, offset, length, size, kind and dictionary."""
    # A forged schema may put anything anywhere.
    pack, offset, length, size, kind, dictionary = (
        each if isinstance(each, int) else -1 for each in row
    )
    return Extent(pack, offset, length, size, kind, None if row[5] is None else dictionary)


def cut(pack: bytes, extent: Extent) -> bytes:
    """Take a frame out of its pack. Raises BadFrame."""
    end = extent.offset + extent.length
    if not 0 <= extent.offset < end <= len(pack):
        raise BadFrame("it reaches beyond its pack")
    return pack[extent.offset : end]
