"""The content store `sqlite`: volumes of compressed objects, named by their digest.

What writes, checks and mends them is loaded when it is first asked for: most runs of most
programs find nothing new.
"""

import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailvault.archive.codec import Codec
from mailvault.archive.content.holdings import Held, Holdings
from mailvault.archive.content.prepared import PreparedMessage
from mailvault.archive.content.reading import Reader
from mailvault.archive.content.volumes import Volumes
from mailvault.archive.journal_mode import JournalMode, journal_mode_for
from mailvault.archive.private import explained
from mailvault.errors import ArchiveDamaged, ArchiveError, MailvaultError
from mailvault.mail.changes import Record
from mailvault.mail.model import Digest, Octets
from mailvault.mail.outline import Outline
from mailvault.ports import Finding, Prepared, Waste

if TYPE_CHECKING:
    from mailvault.archive.content.preparing import Preparer
    from mailvault.archive.content.references import IsKept, References
    from mailvault.archive.content.stage import Stage
    from mailvault.archive.content.training import Training
    from mailvault.archive.content.workers import Workers

VOLUME_LIMIT = 1 << 30


@dataclass(frozen=True, slots=True)
class _WriteSide:
    stage: "Stage"
    preparer: "Preparer"
    training: "Training"


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
        self._archive_id = archive_id
        self._tmp = tmp
        self._folder = folder
        self._journal = journal or journal_mode_for(sqlite3.sqlite_version_info[:3])
        self._volume_limit = volume_limit
        self._lock = threading.RLock()
        self._codec = Codec()
        self._volumes = Volumes(folder, archive_id)
        self._reader = Reader(self._volumes, self._codec, tmp)
        self._writing: _WriteSide | None = None
        self._holdings = Holdings(self._volumes, self._reader)
        self._workers: Workers | None = None

    def __enter__(self) -> "SqliteStore":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def prepare(self, octets: Octets) -> PreparedMessage:
        """Hash, take apart and compress a message; from any thread."""
        return self._write_side().preparer.prepare(octets)

    def workers(self) -> "Workers":
        """Start processes that make messages ready for this store; whoever asks closes them."""
        from mailvault.archive.content.workers import Workers

        training = self._write_side().training
        self._workers = Workers.start(self._folder, self._archive_id, training)
        return self._workers

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
                    if self._workers is not None:
                        self._workers.tell(each.digest)
        except MailvaultError:
            self.rollback()
            raise

    def record(self, records: Sequence[Record]) -> None:
        """Nothing here depends on where messages lie."""

    def commit(self) -> None:
        """Make everything staged durable. A failure takes the whole stage back."""
        if self._writing is None:
            return
        stage = self._writing.stage
        digests = stage.digests
        try:
            stage.commit()
        except MailvaultError:
            self.rollback()
            raise
        self._holdings.committed(digests)

    def rollback(self) -> None:
        """Forget everything staged."""
        if self._writing is not None:
            self._holdings.doubt()
            self._writing.stage.rollback()

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
        with explained(self._folder):
            if not self._folder.is_dir():
                return 0
            return sum(path.lstat().st_size for path in self._folder.iterdir())

    def check(self) -> Iterator[Finding]:
        """Look for damage to the structure, without reading all content."""
        from mailvault.archive.content.inspection import inspect

        return inspect(self._volumes)

    def waste(self, forgotten: Collection[Digest], is_kept: "IsKept") -> Waste:
        """Measure what only forgotten messages take."""
        from mailvault.archive.content.reclaiming import measure

        return measure(self._volumes, self._references().waste(forgotten, is_kept))

    def reclaim(self, forgotten: Collection[Digest], is_kept: "IsKept") -> int:
        """Make volumes anew of which a third is dead."""
        from mailvault.archive.content.reclaiming import reclaim

        self._stop_writing()
        saved = reclaim(
            self._volumes,
            self._references().waste(forgotten, is_kept),
            journal=self._journal,
            tmp=self._tmp or self._folder,
        )
        self._holdings.distrust()
        return saved

    def salvage(self, set_aside: Path) -> Iterator[str]:
        """Replace broken volumes by what can be read of them."""
        from mailvault.archive.content.salvaging import salvage

        self._stop_writing()
        tmp = self._tmp or self._folder
        yield from salvage(self._volumes, self._codec, tmp=tmp, set_aside=set_aside)
        self._holdings.distrust()

    def orphans(self, is_kept: "IsKept") -> Iterator[Digest]:
        """Messages that nothing refers to."""
        return self._references().orphans(is_kept)

    def _references(self) -> "References":
        from mailvault.archive.content.references import References

        return References(self._volumes, self._codec)

    def _stop_writing(self) -> None:
        """Nobody may hold a file open for writing that is about to be replaced."""
        with self._lock:
            if self._writing is not None:
                self._writing.stage.close()
                self._writing = None

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
        from mailvault.archive.content.filling import VolumeSeries, VolumeSettings
        from mailvault.archive.content.preparing import Preparer
        from mailvault.archive.content.stage import Stage
        from mailvault.archive.content.training import Training

        training = Training(self._codec, self._volumes)
        settings = VolumeSettings(self._folder, self._journal, self._volume_limit)
        series = VolumeSeries(settings, self._volumes)
        return _WriteSide(
            Stage(series, training, self._codec),
            Preparer(self._codec, training, self._held, self._tmp),
            training,
        )

    def _is_absent(self, digest: bytes) -> bool:
        if digest in self._write_side().stage.digests:
            return False
        return not self._holdings.may_hold(digest) or Digest(digest) not in self

    def _held(self, digest: bytes) -> Held:
        if digest in self._write_side().stage.digests:
            return Held.SOUND
        return self._holdings.held(digest)
