"""Makes groups of changes durable, in the order that is the archive's guarantee.

Octets first, then the journal, then the catalog together with the cursors. A crash between
two steps leaves octets that nothing names, or a journal from which the next writer brings
the catalog up to date; never the opposite.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.header_index import NOTHING, HeaderIndex, index_message
from mailvault.archive.journal import Group, Journal, Position, TornTail
from mailvault.archive.readying import Ready
from mailvault.errors import ArchiveError
from mailvault.mail.changes import MailboxChanged, Pruned, Record
from mailvault.mail.model import Digest, RunNumber
from mailvault.ports import ContentStore

Told: TypeAlias = Callable[[int], None]
"""Told how many groups of the journal are done."""

Follower: TypeAlias = Callable[[Sequence[Record], Position], None]
"""Told of a group that is in the journal and in the catalog, and of the position behind it."""

_AGAIN = "run the command again: it brings everything up to date first"

log = logging.getLogger(__name__)


class Committer:
    """Content, journal and catalog of an archive whose lock is held."""

    def __init__(self, content: ContentStore, journal: Journal, catalog: Catalog) -> None:
        self._content = content
        self._journal = journal
        self._catalog = catalog
        self._follower: Follower | None = None
        self._position = catalog.position()
        self._is_sound = True
        self._unindexed: set[Digest] = set()

    @property
    def unindexed(self) -> int:
        """Messages of which the store could give no outline."""
        return len(self._unindexed)

    def catch_up(self, told: Told | None = None) -> int:
        """Apply what stands in the journal alone. Returns how many groups that was."""
        groups = 0
        for each in self._journal.groups(after=self._position):
            if isinstance(each, TornTail):
                self._journal.cut(each)
                continue
            self.apply(each)
            groups += 1
            if told is not None:
                told(groups)
        return groups

    def follow_with(self, follower: Follower) -> None:
        """Have somebody told of every group from now on, once it is durable."""
        self._follower = follower

    def commit(
        self, run: RunNumber, records: Sequence[Record], messages: Sequence[Ready]
    ) -> None:
        """Make a group durable before returning.

        After a failure behind the content, only the next writer can tell how far it got.
        """
        if not self._is_sound:
            raise ArchiveError(f"{self._catalog.path}: an earlier commit failed", hint=_AGAIN)
        try:
            for message in messages:
                self._content.put(message.prepared)
            self._content.record(records)
            self._content.commit()
        except BaseException:
            self._content.rollback()
            raise
        self._is_sound = False
        position = self._journal.append(records, run, self._position)
        indexes = {each.prepared.digest: each.index for each in messages if each.index}
        self.apply(Group(tuple(records), position), indexes)
        if self._follower is not None:
            self._follower(records, position)
        self._is_sound = True

    def apply(self, group: Group, known: Mapping[Digest, HeaderIndex] | None = None) -> None:
        """Tell the catalog what stands in a group of the journal."""
        indexes = dict(known or {})
        placed = {digest for digest in _placed(group.records) if digest not in indexes}
        for digest in placed - self._catalog.sizes(placed).keys():
            indexes[digest] = self._index_stored(digest)
        self._catalog.apply(group.records, group.position, indexes)
        self._unindexed.difference_update(_pruned(group.records))
        self._position = group.position

    def _index_stored(self, digest: Digest) -> HeaderIndex:
        """Index a message from the store, which may have lost it: `verify` says so."""
        try:
            outline = self._content.outline(digest)
        except ArchiveError as error:
            log.info("%s: cannot be indexed: %s", digest, error)  # it may be forgotten since
            self._unindexed.add(digest)
            return NOTHING
        return index_message(digest, outline)


def _pruned(records: Iterable[Record]) -> Iterable[Digest]:
    for record in records:
        if isinstance(record, Pruned):
            yield from record.digests


def _placed(records: Iterable[Record]) -> Iterable[Digest]:
    for record in records:
        if isinstance(record, MailboxChanged):
            yield from (each.digest for each in record.placed)
