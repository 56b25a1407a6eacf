"""Deleting on the server what the archive holds: the last step, and the most careful one.

Everything is on the disk already. Each message is read back from there and hashed, then the
server is asked whether it has the same, and only then it is told to delete.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from mailvault.archive.archive import Archive
from mailvault.archive.recorder import Applied, Recorder
from mailvault.errors import ArchiveDamaged, MailvaultError, MessageMissing, SourceError
from mailvault.mail.model import Batch, Cursor, Mailbox, Octets, RunNumber, Uid
from mailvault.operations.retention import RunTime, settled_until
from mailvault.ports import Deleting, Kept, Known, Proven

log = logging.getLogger(__name__)

PAGE = 500
LONGEST_HEAD = 256 << 10


@dataclass(frozen=True, slots=True)
class RemovalPolicy:
    """Delete what was archived so many days ago; 0 is at once."""

    days: int


@dataclass(frozen=True, slots=True)
class Removed:
    """How it ended. ``refusal`` is a sentence, ``error`` a session that broke."""

    messages: int = 0
    refusal: str | None = None
    error: MailvaultError | None = None


class _Unprovable(Exception):
    """A message could not be read back: a reason not to trust the rest either."""


@dataclass(slots=True)
class Removal:
    """Deletes from one mailbox after another of one account."""

    archive: Archive
    recorder: Recorder
    source: Deleting
    policy: RemovalPolicy

    def run(self, mailbox: Mailbox, mailbox_id: int) -> Removed:
        """Delete what is due. Raises only what concerns writing to the archive."""
        until = self._until()
        known = self.archive.known(mailbox_id)
        if until is None or not known.kept(Uid(0), 1, until=until):
            return Removed()
        try:
            return self._remove(mailbox, mailbox_id, known, until)
        except SourceError as error:
            log.info("nothing more is deleted: %s", error)
            return Removed(error=error)
        except _Unprovable as reason:
            return Removed(refusal=f"{reason}, so nothing is deleted on the server")

    def _until(self) -> RunNumber | None:
        if not self.policy.days:
            return self.recorder.run
        times = (
            RunTime(each.run, each.started_at, each.finished_at)
            for each in self.archive.catalog.run_times()
        )
        return settled_until(
            times, present=self.recorder.run, now=self.archive.now(), days=self.policy.days
        )

    def _remove(
        self, mailbox: Mailbox, mailbox_id: int, known: Known, until: RunNumber
    ) -> Removed:
        refusal = self.source.refusal(mailbox)
        if refusal is not None:
            return Removed(refusal=refusal)
        uids = self._certain(mailbox, known, until)
        refusal = self.source.refusal(mailbox) if not uids else None
        if not uids:
            return Removed(refusal=refusal)
        since = self._cursor(mailbox_id)
        self._record(mailbox_id, self.source.intend(mailbox, uids, since))
        gone = self.source.remove(mailbox, uids)
        self._record(mailbox_id, gone)
        return Removed(len(gone.removed))

    def _cursor(self, mailbox_id: int) -> Cursor | None:
        views = self.archive.catalog.mailboxes()
        return next((view.cursor for view in views if view.mailbox_id == mailbox_id), None)

    def _certain(self, mailbox: Mailbox, known: Known, until: RunNumber) -> list[Uid]:
        """Read back and compare everything that is due before anything is deleted."""
        uids: list[Uid] = []
        uidvalidity = known.uidvalidity() or 0
        for page in self._due(mailbox, known, until):
            if not uids:
                self.archive.content.forget()
            proven = [Proven(kept, uidvalidity, self._read_back(kept)) for kept in page]
            uids += self.source.certain(mailbox, proven)
        return uids

    def _due(self, mailbox: Mailbox, known: Known, until: RunNumber) -> Iterator[list[Kept]]:
        """Ask the catalog what is due. What is owed is never deleted."""
        owed = set(known.owed())
        after = Uid(0)
        while page := known.kept(after, PAGE, until=until):
            after = page[-1].uid
            listed = self.source.listed(mailbox, page)
            if due := [kept for kept in listed if kept.uid not in owed]:
                yield due

    def _read_back(self, kept: Kept) -> bytes:
        try:
            return _head(self.archive.content.get(kept.digest))
        except (ArchiveDamaged, MessageMissing) as error:
            raise _Unprovable(f"message {kept.digest} cannot be read back ({error})") from error

    def _record(self, mailbox_id: int, batch: Batch | None) -> Applied | None:
        if batch is None:
            return None
        applied = self.recorder.add(mailbox_id, batch)
        self.recorder.flush()
        return applied


def _head(octets: Octets) -> bytes:
    """The header with the empty line that ends it."""
    if isinstance(octets, bytes):
        first = octets[:LONGEST_HEAD]
    else:
        first = next(octets.chunks(), b"")[:LONGEST_HEAD]
        octets.discard()
    end = first.find(b"\r\n\r\n")
    return first if end < 0 else first[: end + 4]
