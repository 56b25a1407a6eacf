"""Brings one mailbox's folder level with the catalog."""

import heapq
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from mailvault.archive import dialect
from mailvault.archive.catalog import serving
from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.catalog.serving import ServedMailbox, ServedMessage
from mailvault.archive.catalog.words import batched
from mailvault.archive.content.maildir import MaildirStore
from mailvault.archive.served.folder import MailboxFolder
from mailvault.archive.served.names import (
    ServedName,
    base_in,
    base_of,
    full_name,
    mailbox_guid,
    prefix_of,
)
from mailvault.archive.served.uidlist import Entry, Header
from mailvault.errors import ArchiveError

log = logging.getLogger(__name__)

_AT_ONCE = 1000
_LARGEST = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Show:
    """What the Maildirs are made from."""

    archive_id: str
    store: MaildirStore
    catalog: Catalog


class ServedFolder:
    """A mailbox under its present UIDVALIDITY, and its folder.

    Whoever changes the folder holds the lock of its uidlist.
    """

    def __init__(self, show: Show, mailbox: ServedMailbox, folder: MailboxFolder) -> None:
        self._show = show
        self._mailbox_id = mailbox.mailbox_id
        self._uidvalidity = mailbox.uidvalidity or 0
        self.folder = folder

    def level(self) -> None:
        """Make the folder what the catalog says, whatever it is now."""
        uidlist = self.folder.uidlist
        known = Ascending(uidlist.entries() if self.is_ours() else ())
        with uidlist.rewriting(self.header()) as add:
            for page in self.pages():
                uidlist.touch_lock()
                for message in page:
                    name = self._show_right(message, known.get(message.uid))
                    if name is not None:
                        add((message.uid, base_in(name)))
        for some in batched(self.folder.ours(), _AT_ONCE):
            self._remove_strays(dict(some))

    def follow(self, uids: Collection[int]) -> None:
        """Bring some messages level; all others are."""
        if not self.is_ours() or not self.folder.uidlist.is_whole():
            self.level()
            return
        last = self.folder.uidlist.last_uid()
        wanted = self.wanted(uids)
        present = self._present({uid for uid in uids if uid <= last})
        names: dict[int, str] = {}
        stale = {uid for uid in uids if uid <= last and uid not in wanted}
        for uid in sorted(wanted):
            name = self._rename(wanted[uid], present.get(uid, {}))
            if name is None:
                name = self._show_right(wanted[uid], None)
                stale |= {uid} if uid <= last else set()
            if name is not None:
                names[uid] = name
        for uid, olds in present.items():
            for old in olds:
                if old != names.get(uid):
                    self.folder.unlink(old)
        self._write_lines(stale, last, names)

    def header(self) -> Header:
        with self._show.catalog.reading() as connection:
            highest = serving.highest_uid(connection, self._mailbox_id, self._uidvalidity)
        guid = mailbox_guid(self._show.archive_id, self._mailbox_id)
        return Header(shown_uidvalidity(self._uidvalidity), highest + 1, guid)

    def is_ours(self) -> bool:
        """Whether the list of UIDs is this mailbox's, under the present UIDVALIDITY."""
        found, wanted = self.folder.uidlist.header(), self.header()
        return found is not None and (found.uidvalidity, found.guid) == (
            wanted.uidvalidity,
            wanted.guid,
        )

    def pages(self) -> Iterator[list[ServedMessage]]:
        """What the catalog says that the mailbox holds, ascending."""
        after = -1
        while True:
            with self._show.catalog.reading() as connection:
                page = serving.served_page(
                    connection, self._mailbox_id, self._uidvalidity, after
                )
            if page:
                dialect.require_progress(after, page[-1].uid)
                yield page
            if len(page) < serving.PAGE:
                return
            after = page[-1].uid

    def wanted(self, uids: Collection[int]) -> dict[int, ServedMessage]:
        with self._show.catalog.reading() as connection:
            return serving.served_among(connection, self._mailbox_id, self._uidvalidity, uids)

    def prefix(self, message: ServedMessage) -> str:
        return prefix_of(
            self._mailbox_id,
            shown_uidvalidity(self._uidvalidity),
            message.uid,
            message.run,
            message.digest,
        )

    def is_of(self, message: ServedMessage, parsed: ServedName) -> bool:
        """Whether a name is one of this message, whatever its flags."""
        return parsed.prefix == self.prefix(message) and parsed.size == message.size

    def is_right(self, message: ServedMessage, name: str) -> bool:
        """Whether a name is a link to the message's file with the message's date."""
        wanted = self._show.store.pool.existing(message.digest, message.seconds)
        with suppress(FileNotFoundError):
            found = (self.folder.cur / name).lstat()
            return wanted is not None and (found.st_dev, found.st_ino) == (
                wanted.st_dev,
                wanted.st_ino,
            )
        return False

    def is_first_file(self, message: ServedMessage) -> bool:
        """Whether a message shows its date by its own file, and not by a copy."""
        pool = self._show.store.pool
        own, wanted = (pool.existing(message.digest, each) for each in (None, message.seconds))
        return own is not None and wanted is not None and own.st_ino == wanted.st_ino

    def _show_right(self, message: ServedMessage, known: str | None) -> str | None:
        """Give a message its name in the folder, where it has had a known one or none.

        None for a message that content has lost, of which `verify` tells.
        """
        parsed = None if known is None else ServedName.parse(known)
        store = self._show.store
        try:
            if parsed is not None and self.is_of(message, parsed):
                base = parsed.base
            else:
                crlf_size = store.crlf_size(message.digest)
                base = base_of(self.prefix(message), message.size, crlf_size)
            name = full_name(base, self.folder.letters(message.flags))
            if not self.is_right(message, name):
                source = store.pool.dated(message.digest, message.seconds, store.tmp)
                self.folder.link(source, name)
        except (ArchiveError, FileNotFoundError) as error:
            log.warning("%s: UID %d is not shown: %s", self.folder.path, message.uid, error)
            return None
        return name

    def _rename(self, message: ServedMessage, names: dict[str, ServedName]) -> str | None:
        """Give the right flags to the name that a message has; None if it has none."""
        for name, parsed in names.items():
            if not self.is_of(message, parsed):
                continue
            wanted = full_name(parsed.base, self.folder.letters(message.flags))
            if not self.is_right(message, name):
                return None
            if name != wanted:
                self.folder.rename(name, wanted)
            return wanted
        return None

    def _present(self, uids: set[int]) -> dict[int, dict[str, ServedName]]:
        """The names that some UIDs have in the folder."""
        present: dict[int, dict[str, ServedName]] = defaultdict(dict)
        if uids:
            for name, parsed in self.folder.ours():
                if parsed.uid in uids:
                    present[parsed.uid][name] = parsed
        return present

    def _remove_strays(self, names: dict[str, ServedName]) -> None:
        wanted = self.wanted({parsed.uid for parsed in names.values()})
        for name, parsed in names.items():
            message = wanted.get(parsed.uid)
            if message is None or not self._is_name_of(message, parsed):
                self.folder.unlink(name)

    def _is_name_of(self, message: ServedMessage, parsed: ServedName) -> bool:
        """Whether a name is the one of this message; most have one size, with CR LF or not."""
        if not self.is_of(message, parsed):
            return False
        if parsed.crlf_size != parsed.size:
            with suppress(ArchiveError):  # what is damaged is not named anew
                if self._show.store.crlf_size(message.digest) != parsed.crlf_size:
                    return False
        return parsed.letters == self.folder.letters(message.flags)

    def _write_lines(self, stale: set[int], last: int, names: dict[int, str]) -> None:
        """Write the list: new lines at its end, or all of it where others changed."""
        uidlist = self.folder.uidlist
        lines = [(uid, base_in(name)) for uid, name in sorted(names.items())]
        if not stale:
            uidlist.append(line for line in lines if line[0] > last)
            return
        kept = (entry for entry in uidlist.entries() if entry[0] not in stale)
        new = (line for line in lines if line[0] > last or line[0] in stale)
        with uidlist.rewriting(self.header()) as add:
            for entry in heapq.merge(kept, new):
                add(entry)


class Ascending:
    """Finds entries by ascending UIDs, without holding them."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = iter(entries)
        self._next: Entry | None = None

    def get(self, uid: int) -> str | None:
        while self._next is None or self._next[0] < uid:
            self._next = next(self._entries, None)
            if self._next is None:
                return None
        return self._next[1] if self._next[0] == uid else None


def shown_uidvalidity(uidvalidity: int) -> int:
    """A UIDVALIDITY as RFC 9051 2.3.1.1 has it; some servers give others."""
    return uidvalidity if 0 < uidvalidity <= _LARGEST else uidvalidity % _LARGEST + 1
