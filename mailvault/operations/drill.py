"""Drill: restore a sample to a scratch Maildir, and compare it with the archive."""

import hashlib
import logging
import random
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import PlacementView
from mailvault.errors import ArchiveDamaged, DestinationError, MessageMissing
from mailvault.mail.changes import JobEnded
from mailvault.mail.maildir import FileName, Keywords, flags, letters
from mailvault.mail.model import Digest, Flags, MailboxName
from mailvault.operations.reports import Progress, Silent
from mailvault.operations.verify import DAMAGED
from mailvault.ports import Destination

log = logging.getLogger(__name__)

PERCENT = 1.0
LEAST = 20
"""Messages that are restored even if the share of a small archive is fewer."""

BATCH_MESSAGES = 500
BATCH_OCTETS = 256 << 20
"""What lies in the scratch folder at once."""

_LAST_DATE = 1 << 31
_CHUNK = 1 << 20

OpenDestination = Callable[[Path], Destination]


@dataclass(frozen=True, slots=True)
class DrillFailure:
    """A message that did not come back as it was archived."""

    digest: Digest
    account: str
    mailbox: MailboxName
    remote_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class DrillReport:
    """How many messages were restored and compared, and which were not the same."""

    restored: int
    octets: int
    messages: int
    failures: tuple[DrillFailure, ...]

    @property
    def exit_code(self) -> int:
        return DAMAGED if self.failures else 0


def drill(
    archive: Archive,
    open_destination: OpenDestination,
    scratch: Path,
    *,
    percent: float = PERCENT,
    account: str | None = None,
    chance: random.Random | None = None,
    progress: Progress | None = None,
) -> DrillReport:
    """Restore a share of all messages, a batch at a time, into the empty folder ``scratch``.

    Octets, flags and arrival dates must be those of the archive. The result is noted there.
    """
    started_at = archive.now()
    work = _Drill(archive, open_destination, scratch, progress or Silent())
    total = _count(archive, account)
    share = max(percent / 100, min(1.0, LEAST / total) if total else 0.0)
    (progress or Silent()).expect(round(total * share))
    sample = _sample(archive, account, share, chance or random.SystemRandom())
    for batch in _batches(sample):
        work.restore(batch)
    report = DrillReport(work.restored, work.octets, total, tuple(work.failures))
    archive.note_job(
        JobEnded(
            kind="drill",
            started_at=started_at,
            at=archive.now(),
            exit_code=report.exit_code,
            account=account,
            checked=report.restored,
            octets=report.octets,
            detail=f"sample {percent:g}%",
        )
    )
    return report


def _count(archive: Archive, account: str | None) -> int:
    return sum(view.messages for view in archive.catalog.mailboxes(account))


def _sample(
    archive: Archive, account: str | None, share: float, chance: random.Random
) -> Iterator[PlacementView]:
    """Each message with the same chance; all of them if the share is the whole."""
    for view in archive.catalog.placements(account=account):
        if share >= 1 or chance.random() < share:
            yield view


def _batches(sample: Iterable[PlacementView]) -> Iterator[list[PlacementView]]:
    batch: list[PlacementView] = []
    octets = 0
    for view in sample:
        batch.append(view)
        octets += view.size
        if len(batch) >= BATCH_MESSAGES or octets >= BATCH_OCTETS:
            yield batch
            batch, octets = [], 0
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class _Message:
    """What a file of a Maildir says; ``room`` are the keywords of its folder."""

    digest: Digest
    flags: Flags
    seconds: int
    room: Keywords


class _Drill:
    """Restores batches and compares them."""

    def __init__(
        self,
        archive: Archive,
        open_destination: OpenDestination,
        scratch: Path,
        progress: Progress,
    ) -> None:
        self.restored = 0
        self.octets = 0
        self.failures: list[DrillFailure] = []
        self._archive = archive
        self._open_destination = open_destination
        self._scratch = scratch
        self._progress = progress

    def restore(self, batch: Sequence[PlacementView]) -> None:
        folder = self._scratch / "maildir"
        try:
            with self._open_destination(folder) as destination:
                written = [view for view in batch if self._write(destination, view)]
            found = list(_read(folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._compare(written, found)

    def _write(self, destination: Destination, view: PlacementView) -> bool:
        try:
            octets = self._archive.content.get(view.digest)
            try:
                destination.append(
                    MailboxName((view.account, *view.mailbox.parts)),
                    octets,
                    flags=view.flags,
                    internal_date=view.internal_date,
                )
            finally:
                if not isinstance(octets, bytes):
                    octets.discard()
        except (ArchiveDamaged, MessageMissing, DestinationError) as error:
            self._fail(view, str(error))
            return False
        return True

    def _compare(self, written: Iterable[PlacementView], found: Iterable[_Message]) -> None:
        """A message may lie in several mailboxes, and twice in one."""
        there: dict[Digest, list[_Message]] = {}
        for each in found:
            there.setdefault(each.digest, []).append(each)
        for view in written:
            candidates = there.get(view.digest, [])
            same = next((each for each in candidates if _is_same(view, each)), None)
            if same is not None:
                candidates.remove(same)
                self.restored += 1
                self.octets += view.size
                self._progress.stored(1, view.size)
            else:
                self._fail(view, _reason(view, candidates))

    def _fail(self, view: PlacementView, reason: str) -> None:
        log.warning("%s %s %s: %s", view.account, view.mailbox, view.remote_id, reason)
        self.failures.append(
            DrillFailure(view.digest, view.account, view.mailbox, view.remote_id, reason)
        )


def _is_same(view: PlacementView, message: _Message) -> bool:
    return not _flags_differ(view, message) and not _date_differs(view.internal_date, message)


def _flags_differ(view: PlacementView, message: _Message) -> bool:
    """A Maildir has room for 26 keywords, of characters that fit into a line."""
    _, homeless = letters(view.flags, message.room)
    return view.flags - homeless != message.flags


def _date_differs(date: datetime | None, message: _Message) -> bool:
    if date is None or not 0 <= date.timestamp() < _LAST_DATE:
        return False
    return int(date.timestamp()) != message.seconds


def _reason(view: PlacementView, candidates: Sequence[_Message]) -> str:
    if not candidates:
        return "what was restored has other octets, or is not there"
    if all(_date_differs(view.internal_date, each) for each in candidates):
        return "it was restored with another arrival date"
    return "it was restored with other flags"


def _read(folder: Path) -> Iterator[_Message]:
    """Every message of a tree of Maildirs, as another program would see it."""
    for cur in sorted(folder.rglob("cur")):
        keywords = cur.parent / "dovecot-keywords"
        room = Keywords.parse(keywords.read_text() if keywords.is_file() else "")
        for path in cur.iterdir():
            name = FileName.parse(path.name)
            if name is not None:
                seen = flags(name.letters, room)
                yield _Message(_digest(path), seen, int(path.stat().st_mtime), room)


def _digest(path: Path) -> Digest:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return Digest(hasher.digest())
