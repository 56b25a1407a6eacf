"""Export: write the archive's mail out, as it is or was after a past run.

A destination that holds messages of an earlier export gets only those that it misses.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import MailboxView, PlacementView
from mailvault.errors import (
    ArchiveDamaged,
    DestinationError,
    DestinationLost,
    MailvaultError,
    MessageMissing,
)
from mailvault.mail.model import Digest, MailboxName, Octets
from mailvault.operations.reports import INCOMPLETE, Progress, Silent
from mailvault.operations.selection import Selection
from mailvault.ports import Destination, Resumable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExportedMailbox:
    """What of a mailbox is now at the destination; ``present`` was there before."""

    account: str
    mailbox: MailboxName
    messages: int = 0
    octets: int = 0
    present: int = 0


@dataclass(frozen=True, slots=True)
class ExportFailure:
    """A message that is not at the destination; or a mailbox, if there is no digest."""

    digest: Digest | None
    account: str
    mailbox: MailboxName
    reason: str


@dataclass(frozen=True, slots=True)
class ExportReport:
    mailboxes: tuple[ExportedMailbox, ...]
    failures: tuple[ExportFailure, ...]

    @property
    def exit_code(self) -> int:
        return INCOMPLETE if self.failures else 0


def export(
    archive: Archive,
    destination: Destination,
    selection: Selection | None = None,
    *,
    progress: Progress | None = None,
) -> ExportReport:
    """Write mailboxes and their messages to an open destination.

    Mailboxes lie below a folder of their account's name when the archive has several
    accounts and none was chosen. A message that cannot be read or written is reported.

    Raises:
        NoSpace: the destination is full.
        DestinationLost: the destination broke.
    """
    selection = selection or Selection()
    views = selection.mailboxes(archive)
    is_single = selection.account is not None or len(archive.catalog.accounts()) == 1
    work = _Export(archive, destination, progress or Silent(), is_prefixed=not is_single)
    if not selection.is_partial:
        work.make_mailboxes(views)
        work.announce()
    work.copy(selection.placements(archive, {view.mailbox_id for view in views}))
    return ExportReport(tuple(work.exported.values()), tuple(work.failures))


class _Export:
    def __init__(
        self,
        archive: Archive,
        destination: Destination,
        progress: Progress,
        *,
        is_prefixed: bool,
    ) -> None:
        self.exported: dict[tuple[str, MailboxName], ExportedMailbox] = {}
        self.failures: list[ExportFailure] = []
        self._archive = archive
        self._destination = destination
        self._resumable = destination if isinstance(destination, Resumable) else None
        self._progress = progress
        self._is_prefixed = is_prefixed
        self._expected: dict[tuple[str, MailboxName], int] = {}

    def make_mailboxes(self, views: Iterable[MailboxView]) -> None:
        """Empty mailboxes too, but not names that only lead to others."""
        for view in views:
            key = view.account, view.name
            self._expected[key] = self._expected.get(key, 0) + view.messages
            if view.messages:
                self.exported[key] = ExportedMailbox(*key)
            elif view.is_selectable:
                self._make_empty(*key)

    def _make_empty(self, account: str, name: MailboxName) -> None:
        try:
            self._destination.create(self._target(account, name))
        except DestinationLost:
            raise
        except DestinationError as error:
            self._fail(None, account, name, error)
        else:
            self.exported[account, name] = ExportedMailbox(account, name)

    def announce(self) -> None:
        self._progress.expect(sum(self._expected.values()))

    def copy(self, placements: Iterable[PlacementView]) -> None:
        current: tuple[str, MailboxName] | None = None
        for placement in placements:
            key = placement.account, placement.mailbox
            if key != current:
                self._finish(current)
                self._progress.mailbox(*key, self._expected.get(key))
                current = key
            self._copy(placement)
        self._finish(current)

    def _copy(self, placement: PlacementView) -> None:
        try:
            is_present = self._is_present(placement)
            if not is_present:
                self._append(placement, self._archive.content.get(placement.digest))
        except DestinationLost:
            raise
        except (ArchiveDamaged, MessageMissing, DestinationError) as error:
            self._fail(placement.digest, placement.account, placement.mailbox, error)
            return
        key = placement.account, placement.mailbox
        done = self.exported.get(key) or ExportedMailbox(*key)
        self.exported[key] = replace(
            done,
            messages=done.messages + 1,
            octets=done.octets + placement.size,
            present=done.present + is_present,
        )
        self._progress.stored(1, placement.size)

    def _is_present(self, placement: PlacementView) -> bool:
        if self._resumable is None:
            return False
        target = self._target(placement.account, placement.mailbox)
        return self._resumable.holds(target, placement.digest, placement.internal_date)

    def _append(self, placement: PlacementView, octets: Octets) -> None:
        try:
            self._destination.append(
                self._target(placement.account, placement.mailbox),
                octets,
                flags=placement.flags,
                internal_date=placement.internal_date,
            )
        finally:
            if not isinstance(octets, bytes):
                octets.discard()

    def _fail(
        self, digest: Digest | None, account: str, mailbox: MailboxName, error: MailvaultError
    ) -> None:
        log.warning("%s %s: %s", account, mailbox, error)
        self.failures.append(ExportFailure(digest, account, mailbox, str(error)))

    def _target(self, account: str, name: MailboxName) -> MailboxName:
        return MailboxName((account, *name.parts)) if self._is_prefixed else name

    def _finish(self, mailbox: tuple[str, MailboxName] | None) -> None:
        if mailbox is not None:
            done = self.exported.get(mailbox)
            log.info("%s %s: %d exported", *mailbox, done.messages if done else 0)
            self._progress.done(*mailbox)
