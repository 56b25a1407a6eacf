"""Makes groups of changes durable, in the order that is the archive's guarantee.

Octets first, then the journal, then the catalog together with the cursors. A crash between
two steps leaves octets that nothing names, or a journal from which the next writer brings
the catalog up to date; never the opposite.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Written:
    """A group that is in the content and in the journal, and not yet in the catalog.

    ``indexes`` are those of its messages that are known already.
    """

    group: Group
    indexes: Mapping[Digest, HeaderIndex] = field(default_factory=dict)


class Committer:
    """Content, journal and catalog of an archive whose lock is held.

    One thread may `write` while another one makes known what was written before.
    """

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
        """Make a group durable and known before returning."""
        self.make_known([self.write(run, records, messages)])

    def write(
        self, run: RunNumber, records: Sequence[Record], messages: Sequence[Ready]
    ) -> Written:
        """Make a group durable: from now on the next writer finds it, whatever happens.

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
        with self._sound_if_done():
            self._position = self._journal.append(records, run, self._position)
        indexes = {each.prepared.digest: each.index for each in messages if each.index}
        return Written(Group(tuple(records), self._position), indexes)

    def make_known(self, written: Sequence[Written]) -> None:
        """Tell the catalog of groups in one go, in their order, and then who follows."""
        with self._sound_if_done():
            self._apply(written)
            if self._follower is not None:
                for each in written:
                    self._follower(each.group.records, each.group.position)

    def apply(self, group: Group) -> None:
        """Tell the catalog what stands in a group of the journal, which goes on behind it."""
        self._apply([Written(group)])
        self._position = group.position

    def _apply(self, written: Sequence[Written]) -> None:
        records = [record for each in written for record in each.group.records]
        indexes = {digest: index for each in written for digest, index in each.indexes.items()}
        placed = {digest for digest in _placed(records) if digest not in indexes}
        for digest in placed - self._catalog.sizes(placed).keys() if placed else ():
            indexes[digest] = self._index_stored(digest)
        self._catalog.apply(records, written[-1].group.position, indexes)
        self._unindexed.difference_update(_pruned(records))

    @contextmanager
    def _sound_if_done(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._is_sound = False
            raise

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
