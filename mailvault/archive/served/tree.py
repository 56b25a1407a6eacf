"""All Maildirs of an archive: a folder a user, and in it a folder a mailbox.

They follow from the catalog and the content and can be made again, so they come last: a
group of changes is shown once it is in the journal and the catalog, and not made durable by
itself. A marker says up to where they are level, and the next writer does the rest.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from mailvault.archive.catalog import serving
from mailvault.archive.catalog.serving import ServedMailbox
from mailvault.archive.durability import make_tree_durable
from mailvault.archive.journal import Journal, Position
from mailvault.archive.private import explained
from mailvault.archive.served.arrangement import Arrangement
from mailvault.archive.served.folder import MailboxFolder
from mailvault.archive.served.mailbox import ServedFolder, Show
from mailvault.archive.served.marker import (
    EVERYTHING,
    NOTHING,
    Marker,
    Touched,
    rearranges,
    touched_since,
)
from mailvault.errors import ArchiveError
from mailvault.mail.changes import MailboxChanged, Record

log = logging.getLogger(__name__)

_MOST_BEHIND = 200
"""Groups that changed no mailbox, after which the marker is moved all the same."""


class ServedTree:
    """The Maildirs of an archive whose lock is held. What they lack never fails a run."""

    def __init__(self, folder: Path, show: Show) -> None:
        self._folder = folder
        self._show = show
        self._arrangement = Arrangement(folder, show)
        self._marker = Marker(folder)
        self._reached: Position | None = None
        self._is_dirty = False
        self._is_behind = False

    def recover(self, journal: Journal) -> None:
        """Show what a writer before us did not get to."""
        position, marked = self._show.catalog.position(), self._marker.read()
        touched = NOTHING if marked == position else touched_since(journal, marked)
        if touched:
            self._try(lambda: self._level(touched))
        self._reached = position

    @property
    def is_level(self) -> bool:
        """Whether all that the catalog says is shown."""
        return not self._is_behind and self._reached == self._show.catalog.position()

    def level(self) -> None:
        """Make everything what the catalog says, whatever it is now."""
        self._try(lambda: self._level(EVERYTHING))

    def follow(self, records: Sequence[Record], position: Position) -> None:
        """Show what a group changed. It is in the journal and in the catalog."""
        changed: dict[int, set[int]] = defaultdict(set)
        for record in records:
            if isinstance(record, MailboxChanged):
                changed[record.mailbox_id].update(_uids(record))
        for digest in self._show.store.take_replaced():
            with self._show.catalog.reading() as connection:
                for mailbox_id, uid in serving.places_of(connection, digest):
                    changed[mailbox_id].add(uid)
        new: set[int] = set()
        if any(map(rearranges, records)):
            self._try(lambda: new.update(self._arrangement.follow()))
        if changed or new:
            self._try(lambda: self._follow(changed, new))
        self._reached = position

    def settle(self) -> None:
        """Make durable what was shown, and say up to where."""
        position, marked = self._show.catalog.position(), self._marker.read()
        if not self.is_level or marked == position:
            return
        far = marked is None or marked.sequence + _MOST_BEHIND < position.sequence
        if self._is_dirty or far:
            with explained(self._folder):
                make_tree_durable(self._folder)
                self._marker.write(position, self._show.archive_id)
            self._is_dirty = False

    def _try(self, act: Callable[[], object]) -> None:
        """What cannot be shown is shown by the next writer: mail is archived all the same."""
        self._is_dirty = True
        try:
            with explained(self._folder):
                act()
        except ArchiveError as error:
            self._is_behind = True
            log.warning("%s is not up to date: %s", self._folder, error)

    def _level(self, touched: Touched) -> None:
        if touched is EVERYTHING:
            self._show.store.drop_bad_copies()
        new = self._arrangement.arrange()
        for mailbox in self._mailboxes():
            if mailbox.mailbox_id in new or touched.includes(mailbox.mailbox_id):
                self._show_mailbox(mailbox, ServedFolder.level)

    def _follow(self, changed: dict[int, set[int]], new: set[int]) -> None:
        for mailbox in self._mailboxes():
            if mailbox.mailbox_id in new:
                self._show_mailbox(mailbox, ServedFolder.level)
            elif mailbox.mailbox_id in changed:
                uids = changed[mailbox.mailbox_id]
                self._show_mailbox(mailbox, partial(_follow, uids=uids))

    def _mailboxes(self) -> list[ServedMailbox]:
        with self._show.catalog.reading() as connection:
            return [each for each in serving.served_mailboxes(connection) if each.is_selectable]

    def _show_mailbox(
        self, mailbox: ServedMailbox, act: Callable[[ServedFolder], None]
    ) -> None:
        if mailbox.uidvalidity is None:
            return  # the server told nothing of what is in it yet
        folder = MailboxFolder(self._arrangement.path(mailbox))
        with folder.uidlist.locked():
            act(ServedFolder(self._show, mailbox, folder))


def _follow(served: ServedFolder, uids: set[int]) -> None:
    served.follow(uids)


def _uids(record: MailboxChanged) -> set[int]:
    return {
        *(each.uid for each in record.placed),
        *(each.uid for each in record.reflagged),
        *record.expunged,
    }
