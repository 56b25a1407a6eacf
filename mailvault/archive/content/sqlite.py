"""The content store `sqlite`: volumes of compressed objects, named by their digest."""

import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive.codec import Codec
from mailvault.archive.content.digest_filter import DigestFilter
from mailvault.archive.content.filling import VolumeSeries, VolumeSettings
from mailvault.archive.content.inspection import inspect
from mailvault.archive.content.prepared import PreparedMessage
from mailvault.archive.content.preparing import Held, Preparer
from mailvault.archive.content.reading import Reader
from mailvault.archive.content.reclaiming import measure, reclaim
from mailvault.archive.content.references import IsKept, References
from mailvault.archive.content.salvaging import salvage
from mailvault.archive.content.stage import Stage
from mailvault.archive.content.training import Training
from mailvault.archive.content.volumes import Volumes
from mailvault.archive.journal_mode import JournalMode, journal_mode_for
from mailvault.archive.private import explained
from mailvault.errors import ArchiveDamaged, ArchiveError, MailvaultError, MessageMissing
from mailvault.mail.changes import Record
from mailvault.mail.model import Digest, Octets
from mailvault.mail.outline import Outline
from mailvault.ports import Finding, Prepared, Waste

VOLUME_LIMIT = 1 << 30

_PROVEN_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class _WriteSide:
    stage: Stage
    preparer: Preparer


class SqliteStore:
    """A `ContentStore`. It touches nothing on the disk before it is asked to."""

    def __init__(
        self,
        folder: Path,
        *,
        archive_id: str,
        tmp: Path | None = None,
        volume_limit: int = VOLUME_LIMIT,
        journal: JournalMode | None = None,
    ) -> None:
        self._tmp = tmp
        self._settings = VolumeSettings(
            folder,
            journal or journal_mode_for(sqlite3.sqlite_version_info[:3]),
            volume_limit,
        )
        self._lock = threading.RLock()
        self._codec = Codec()
        self._volumes = Volumes(folder, archive_id)
        self._reader = Reader(self._volumes, self._codec, tmp)
        self._writing: _WriteSide | None = None
        self._filter: DigestFilter | None = None
        self._proven: set[bytes] = set()

    def __enter__(self) -> "SqliteStore":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def prepare(self, octets: Octets) -> PreparedMessage:
        """Hash, take apart and compress a message; from any thread."""
        return self._write_side().preparer.prepare(octets)

    def put(self, prepared: Prepared) -> None:
        """Stage a message for the next commit. A failure takes the whole stage back."""
        if not isinstance(prepared, PreparedMessage):
            raise ArchiveError("a store takes only what it prepared")
        try:
            if not prepared.objects and self._is_absent(prepared.digest.value):
                raise ArchiveError(f"message {prepared.digest} was prepared, but is gone")
            for each in prepared.objects:
                if each.digest in self._write_side().stage.digests:
                    continue
                if each.is_replacement or self._is_absent(each.digest):
                    self._write_side().stage.add(each)
        except MailvaultError:
            self.rollback()
            raise

    def record(self, records: Sequence[Record]) -> None:
        """Nothing here depends on where messages lie."""

    def commit(self) -> None:
        """Make everything staged durable. A failure takes the whole stage back."""
        digests = self._write_side().stage.digests
        try:
            self._write_side().stage.commit()
        except MailvaultError:
            self.rollback()
            raise
        self._digest_filter().update(digests)
        self._remember(digests)

    def rollback(self) -> None:
        """Forget everything staged."""
        with self._lock:
            self._filter = None  # of several volumes, the first may have been committed
        self._write_side().stage.rollback()

    def get(self, digest: Digest) -> Octets:
        """Give back the exact octets; above 1 MiB in a temporary file."""
        return self._reader.get(digest)

    def prove(self, digest: Digest) -> int:
        """Read and hash a message in bounded memory; return its octets."""
        return self._reader.prove(digest)

    def forget(self) -> None:
        """Drop what is cached here, in SQLite and in the system."""
        self._volumes.forget()

    def outline(self, digest: Digest) -> Outline:
        """The text of a message without its lifted parts."""
        return self._reader.outline(digest)

    def __contains__(self, digest: Digest) -> bool:
        try:
            return self._volumes.find(digest.value) is not None
        except ArchiveDamaged:
            return False

    def digests(self) -> Iterator[Digest]:
        """All messages and lifted parts, in the order in which reading them is fastest."""
        return map(Digest, self._volumes.digests())

    def stored_octets(self) -> int:
        """Octets of the volumes on disk."""
        folder = self._settings.folder
        with explained(folder):
            if not folder.is_dir():
                return 0
            return sum(path.lstat().st_size for path in folder.iterdir())

    def check(self) -> Iterator[Finding]:
        """Look for damage to the structure, without reading all content."""
        return inspect(self._volumes)

    def waste(self, forgotten: Collection[Digest], is_kept: IsKept) -> Waste:
        """Measure what only forgotten messages take."""
        return measure(self._volumes, self._references().waste(forgotten, is_kept))

    def reclaim(self, forgotten: Collection[Digest], is_kept: IsKept) -> int:
        """Make volumes anew of which a third is dead."""
        self._stop_writing()
        saved = reclaim(
            self._volumes,
            self._references().waste(forgotten, is_kept),
            journal=self._settings.journal,
            tmp=self._tmp or self._settings.folder,
        )
        self._distrust()
        return saved

    def salvage(self, set_aside: Path) -> Iterator[str]:
        """Replace broken volumes by what can be read of them."""
        self._stop_writing()
        tmp = self._tmp or self._settings.folder
        yield from salvage(self._volumes, self._codec, tmp=tmp, set_aside=set_aside)
        self._distrust()

    def orphans(self, is_kept: IsKept) -> Iterator[Digest]:
        """Messages that nothing refers to."""
        return self._references().orphans(is_kept)

    def _references(self) -> References:
        return References(self._volumes, self._codec)

    def _stop_writing(self) -> None:
        """Nobody may hold a file open for writing that is about to be replaced."""
        with self._lock:
            if self._writing is not None:
                self._writing.stage.close()
                self._writing = None

    def _distrust(self) -> None:
        """What was known of the volumes holds no more."""
        with self._lock:
            self._filter = None
            self._proven = set()

    def close(self) -> None:
        """Let go of the files; what was staged is forgotten."""
        if self._writing is not None:
            self._writing.stage.close()
        self._volumes.close()

    def _write_side(self) -> "_WriteSide":
        side = self._writing
        if side is None:
            with self._lock:
                side = self._writing = self._writing or self._begin_writing()
        return side

    def _begin_writing(self) -> "_WriteSide":
        training = Training(self._codec, self._volumes)
        series = VolumeSeries(self._settings, self._volumes)
        return _WriteSide(
            Stage(series, training, self._codec),
            Preparer(self._codec, training, self._held, self._tmp),
        )

    def _digest_filter(self) -> DigestFilter:
        held = self._filter
        if held is None:
            with self._lock:
                held = self._filter
                if held is None:
                    held = self._filter = DigestFilter(self._volumes.all_digests())
        return held

    def _is_absent(self, digest: bytes) -> bool:
        if digest in self._write_side().stage.digests:
            return False
        return not self._digest_filter().may_hold(digest) or Digest(digest) not in self

    def _held(self, digest: bytes) -> Held:
        """Whether the store has an object, read back once in the life of the process."""
        if digest in self._write_side().stage.digests or digest in self._proven:
            return Held.SOUND
        if not self._digest_filter().may_hold(digest):
            return Held.ABSENT
        try:
            self._reader.prove(Digest(digest))
        except MessageMissing:
            return Held.ABSENT
        except ArchiveDamaged:
            return Held.DAMAGED
        self._remember({digest})
        return Held.SOUND

    def _remember(self, digests: set[bytes]) -> None:
        with self._lock:
            if len(self._proven) + len(digests) > _PROVEN_LIMIT:
                self._proven = set()
            self._proven |= digests
