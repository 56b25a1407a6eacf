"""The write side of a volume: packs, index rows and dictionaries in one transaction."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from mailvault.archive.codec import Dictionary
from mailvault.archive.content.failures import explained_volume
from mailvault.archive.content.volume import SCHEMA, Volume, check_identity, connect, is_empty
from mailvault.archive.journal_mode import JournalMode
from mailvault.archive.private import open_private, sync_folder

PAGE_SIZE = 4096

_CACHE_KIB = 8 << 10
_SIDECARS = ("-journal", "-wal", "-shm")
_SPARE_FROM = 64 << 20  # octets of a volume from which a dictionary is worth a second copy

Row = tuple[bytes, int, int, int, int, int, int, int | None]
"""digest, part, pack, offset, length, size, kind, dictionary"""


class VolumeWriter:
    """Writes to one volume. One thread uses it; nothing is durable until `commit`.

    Meanwhile others read the volume through the same connection: a second one would wait
    for a commit that may itself be waiting for the reader.
    """

    def __init__(self, volume: Volume, journal: JournalMode) -> None:
        self.path = volume.path
        self.number = volume.number
        self.volume = volume
        self._journal = journal
        self._dictionaries: dict[int, int] = {}
        self._is_new = False
        with volume.lock, explained_volume(self.path):
            volume.disconnect()
            if not os.path.lexists(self.path):
                os.close(open_private(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            self._connection = self._connect()
            try:
                self._begin_first()
            except BaseException:
                self._connection.close()
                raise

    def _connect(self) -> sqlite3.Connection:
        return connect(
            self.path,
            (
                f"page_size={PAGE_SIZE}",
                f"journal_mode={self._journal.journal_mode}",
                f"synchronous={self._journal.synchronous}",
                "foreign_keys=ON",
                "secure_delete=OFF",  # nothing here is ever deleted to hide it
                f"cache_size=-{_CACHE_KIB}",
            ),
        )

    def _begin_first(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        # A crash may have left an empty file, or one that this rolled back to nothing.
        self._is_new = is_empty(self._connection)
        if self._is_new:
            for statement in SCHEMA.split(";"):
                self._connection.execute(statement)
            self.set_value("archive", self.volume.archive_id)
            self.set_value("number", self.number)
            self.set_value("sealed", 0)
        else:
            check_identity(self._connection, self.path, self.volume.archive_id)
        self.volume.lend(self._connection)
        self.volume.show_packs_before(self.next_pack())

    def begin(self) -> None:
        """Begin the next transaction."""
        with self._exclusively():
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
                self.volume.show_packs_before(self.next_pack())

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        with self.volume.lock, explained_volume(self.path):
            yield

    @property
    def is_writing(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    @property
    def octets(self) -> int:
        """The size of the file once what was written so far is committed."""
        with self._exclusively():
            (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
            (size,) = self._connection.execute("PRAGMA page_size").fetchone()
        return int(pages) * int(size)

    def add_pack(self, number: int, frames: bytearray, rows: Sequence[Row]) -> None:
        """Write a pack and the index of what lies in it."""
        with self._exclusively():
            self._connection.execute("INSERT INTO pack VALUES (?, ?)", (number, frames))
            # A row that damage has hidden from lookups may stand in the way.
            self._connection.executemany(
                "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?)", sorted(rows)
            )

    def next_pack(self) -> int:
        query = "SELECT coalesce(max(id), 0) + 1 FROM pack"
        with self._exclusively():
            return int(self._connection.execute(query).fetchone()[0])

    def replace(self, digest: bytes, *, is_elsewhere: bool) -> None:
        """Make way for a sound copy of an object whose stored copy is damaged."""
        with self._exclusively():
            self._connection.execute("DELETE FROM object WHERE digest = ?", (digest,))
            if is_elsewhere:
                self._connection.execute(
                    "INSERT OR IGNORE INTO superseded VALUES (?)", (digest,)
                )

    def dictionary_id(self, dictionary: Dictionary) -> int:
        """The number under which the volume keeps a dictionary, stored if it was not."""
        known = self._dictionaries.get(dictionary.number)
        if known is None:
            known = self._dictionaries[dictionary.number] = self._store(dictionary)
        return known

    def _store(self, dictionary: Dictionary) -> int:
        packed = dictionary.packed()
        with self._exclusively():
            row = self._connection.execute(
                "SELECT id FROM dictionary WHERE ? IN (content, spare)", (packed,)
            ).fetchone()
            if row is not None:
                return int(row[0])
            cursor = self._connection.execute(
                "INSERT INTO dictionary (content) VALUES (?)", (packed,)
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def room_for(self, dictionary: Dictionary | None) -> int:
        """Octets by which the volume grows if it has to keep a dictionary."""
        if dictionary is None or dictionary.number in self._dictionaries:
            return 0
        return len(dictionary.packed()) + PAGE_SIZE

    @property
    def owed_to_spares(self) -> int:
        """Octets by which the volume grows once every dictionary has a second copy."""
        query = "SELECT coalesce(sum(length(content)), 0) FROM dictionary WHERE spare IS NULL"
        with self._exclusively():
            return int(self._connection.execute(query).fetchone()[0])

    def set_value(self, key: str, value: int | str) -> None:
        with self._exclusively():
            self._connection.execute(
                "INSERT INTO volume VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, value),
            )

    def commit(self, *, is_full: bool) -> None:
        """Make what was written durable; a full volume is sealed."""
        self.begin()
        if is_full:
            self.set_value("sealed", 1)
        with self._exclusively():
            if self.octets >= _SPARE_FROM:
                # One damaged page must not take all texts of a large volume with it.
                self._connection.execute(
                    "UPDATE dictionary SET spare = content WHERE spare IS NULL"
                )
            self._connection.execute("COMMIT")
            self.volume.show_packs_before(None)
            if self._is_new:
                sync_folder(self.path.parent)
                self._is_new = False

    def rollback(self) -> None:
        """Forget what was written; a new volume disappears."""
        with self._exclusively():
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self.volume.show_packs_before(None)
        self._dictionaries.clear()
        if self._is_new:
            self.close()
            remove_volume(self.path)

    def make_single_file(self) -> None:
        """Leave nothing of a sealed volume beside its file, and close it."""
        if self._journal.journal_mode == "WAL":
            with self._exclusively():
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._connection.execute("PRAGMA journal_mode=DELETE")
        self.close()

    def close(self) -> None:
        with self.volume.lock:
            self.volume.disconnect()
            self._connection.close()


def finish_sealing(path: Path) -> None:
    """Do what a crash after the sealing of a volume left undone."""
    with explained_volume(path), closing(connect(path, ())) as connection:
        if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
            connection.execute("PRAGMA journal_mode=DELETE")


def remove_volume(path: Path) -> None:
    """Remove a volume that holds nothing. Its journal goes last: alone it does no harm."""
    with explained_volume(path):
        for each in (path, *(path.with_name(path.name + suffix) for suffix in _SIDECARS)):
            each.unlink(missing_ok=True)
