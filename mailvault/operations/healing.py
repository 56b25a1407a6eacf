"""Fetches lost messages again from whoever still has them; only the very octets count."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import PlacementView
from mailvault.errors import ArchiveDamaged, ConfigurationError, MessageMissing, SourceError
from mailvault.mail.changes import Healed
from mailvault.mail.model import Digest, Mailbox, Octets, digest_of
from mailvault.ports import Prepared, Refetching, Sought, Source

log = logging.getLogger(__name__)

GROUP = 100
"""Messages stored again at once."""


class Healing:
    """Seeks the octets of some messages. Ends with `finish`."""

    def __init__(self, archive: Archive, damaged: Iterable[Digest]) -> None:
        self.unreachable: dict[str, str] = {}
        self._archive = archive
        self._sought = {digest: archive.catalog.placements_of(digest) for digest in damaged}
        self._waiting: list[Prepared] = []
        self._found: list[Digest] = []

    def ask(
        self, account: str, open_source: Callable[[], AbstractContextManager[Source]]
    ) -> None:
        """Ask one account: first for what it had, under the names that it had there."""
        if not self._sought:
            return
        try:
            with open_source() as source:
                if isinstance(source, Refetching):
                    self._ask(
                        account, source, [m for m in source.mailboxes() if m.is_selectable]
                    )
        except (SourceError, ConfigurationError) as error:
            log.warning("%s: %s", account, error)
            self.unreachable[account] = str(error)
        self._store()

    def _ask(self, account: str, source: Refetching, mailboxes: Sequence[Mailbox]) -> None:
        for mailbox in mailboxes:
            named = list(self._named(account, mailbox))
            if named:
                self._take(source.by_name(mailbox, named))
        self._store()
        self._settle(list(self._sought))
        for mailbox in mailboxes:
            described = list(self._described())
            if described:
                self._take(source.by_message_id(mailbox, described))

    def _named(self, account: str, mailbox: Mailbox) -> Iterator[Sought]:
        for digest, views in self._sought.items():
            for view in views:
                if (view.account, view.mailbox) == (account, mailbox.name):
                    yield _sought(digest, view)

    def _described(self) -> Iterator[Sought]:
        for digest, views in self._sought.items():
            view = next((view for view in views if view.message_id is not None), None)
            if view is not None:
                yield _sought(digest, view)

    def _take(self, found: Iterator[Octets]) -> None:
        for octets in found:
            try:
                digest = digest_of(octets)
                if digest in self._sought and digest not in self._found:
                    self._waiting.append(self._archive.content.prepare(octets))
                    self._found.append(digest)
            finally:
                if not isinstance(octets, bytes):
                    octets.discard()
            if len(self._waiting) >= GROUP:
                self._store()

    def _store(self) -> None:
        """Store what was found, and seek no more what can be read now."""
        if self._waiting:
            self._archive.tell([Healed(tuple(sorted(self._found)))], self._waiting)
            self._waiting = []
            self._archive.content.forget()
            self._settle(self._found)
        self._found = []

    def _settle(self, digests: Sequence[Digest]) -> None:
        """Seek no more what is sound again: an attachment may be a part of many messages."""
        for digest in digests:
            if digest in self._sought and self._is_sound(digest):
                del self._sought[digest]

    def finish(self) -> set[Digest]:
        """Give what is still lost."""
        self._store()
        self._settle(list(self._sought))
        return set(self._sought)

    def _is_sound(self, digest: Digest) -> bool:
        try:
            self._archive.content.prove(digest)
        except (ArchiveDamaged, MessageMissing):
            return False
        return True


def _sought(digest: Digest, view: PlacementView) -> Sought:
    return Sought(digest, view.uidvalidity, view.uid, view.uidl, view.message_id)
