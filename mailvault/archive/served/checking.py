"""Finds where the Maildirs are not what the archive made them, and names it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from mailvault.archive.catalog import serving
from mailvault.archive.catalog.serving import ServedMailbox, ServedMessage
from mailvault.archive.catalog.words import batched
from mailvault.archive.content.inspection import ContentFinding
from mailvault.archive.private import explained
from mailvault.archive.served.arrangement import Arrangement, mailbox_folders
from mailvault.archive.served.folder import MailboxFolder
from mailvault.archive.served.mailbox import Ascending, ServedFolder, Show
from mailvault.archive.served.marker import Touched
from mailvault.archive.served.names import ServedName, full_name
from mailvault.errors import ArchiveError

MISSING = "maildir-missing"
CHANGED = "maildir-changed"
FOREIGN = "maildir-foreign"

_AT_ONCE = 1000


def check_tree(
    root: Path, show: Show, pending: Callable[[], Touched]
) -> Iterator[ContentFinding]:
    """Compare every folder with the catalog.

    What is ``pending``, because a writer is at work on it or did not get to it, is no damage:
    the next one shows it.
    """
    at_first = pending()
    arrangement = Arrangement(root, show)
    with show.catalog.reading() as connection:
        mailboxes = serving.served_mailboxes(connection)
    wanted = {arrangement.path(each): each for each in mailboxes if each.is_selectable}
    for path, mailbox in wanted.items():
        if not at_first.includes(mailbox.mailbox_id) and mailbox.uidvalidity is not None:
            found = list(_check_mailbox(show, mailbox, path))
            if found and not pending().includes(mailbox.mailbox_id):
                yield from found
    if not at_first.is_rearranged:
        yield from _check_folders(root, set(wanted))


def _check_folders(root: Path, wanted: set[Path]) -> Iterator[ContentFinding]:
    for path in mailbox_folders(root):
        if path not in wanted and any(True for _ in MailboxFolder(path).ours()):
            yield ContentFinding(CHANGED, None, f"{path} shows a mailbox that is not there")


def _check_mailbox(show: Show, mailbox: ServedMailbox, path: Path) -> Iterator[ContentFinding]:
    checking = _MailboxCheck(show, mailbox, path)
    try:
        with explained(path):
            yield from checking.findings()
    except ArchiveError as error:
        yield ContentFinding(CHANGED, None, str(error))


class _MailboxCheck:
    def __init__(self, show: Show, mailbox: ServedMailbox, path: Path) -> None:
        self._show = show
        self._folder = MailboxFolder(path)
        self._served = ServedFolder(show, mailbox, self._folder)
        self._missing: dict[int, ContentFinding] = {}

    def findings(self) -> Iterator[ContentFinding]:
        folder = self._folder
        if any(path.is_symlink() or not path.is_dir() for path in (folder.path, folder.cur)):
            yield ContentFinding(MISSING, None, f"{folder.path} is no folder of a mailbox")
            return
        if self._served.is_ours():
            known = Ascending(folder.uidlist.entries())
        else:
            known = Ascending(())
            yield ContentFinding(
                CHANGED, None, f"{folder.uidlist.path} is not as the archive wrote it"
            )
        for page in self._served.pages():
            for message in page:
                yield from self._check_message(message, known.get(message.uid))
        for some in batched(folder.names(), _AT_ONCE):
            yield from self._check_names(some)
        yield from self._missing.values()
        yield from self._foreign_arrivals()

    def _check_message(
        self, message: ServedMessage, known: str | None
    ) -> Iterator[ContentFinding]:
        if known is None:
            if message.digest in self._show.store and self._served.is_ours():
                detail = f"{self._folder.uidlist.path} lacks UID {message.uid}"
                yield ContentFinding(MISSING, message.digest, detail)
            return
        parsed = ServedName.parse(known)
        if parsed is None or not self._served.is_of(message, parsed):
            detail = f"{self._folder.uidlist.path}: UID {message.uid} is another file"
            yield ContentFinding(CHANGED, message.digest, detail)
            return
        name = full_name(known, self._folder.letters(message.flags))
        if not self._served.is_right(message, name):
            yield from self._check_copy(message, name)
        elif not self._served.is_first_file(message):
            yield from self._check_octets(message, self._folder.cur / name)

    def _check_octets(self, message: ServedMessage, path: Path) -> Iterator[ContentFinding]:
        """Read what nobody else does: a message's own file is proven by itself."""
        try:
            self._show.store.prove_file(message.digest, path)
        except ArchiveError as error:
            yield ContentFinding(CHANGED, message.digest, str(error))

    def _check_copy(self, message: ServedMessage, name: str) -> Iterator[ContentFinding]:
        """A file that is no link may still be the message, as where links were lost."""
        path = self._folder.cur / name
        try:
            status = path.lstat()
        except FileNotFoundError:
            finding = ContentFinding(MISSING, message.digest, f"{path} is missing")
            self._missing[message.uid] = finding
            return
        if path.is_symlink() or not path.is_file():
            yield ContentFinding(CHANGED, message.digest, f"{path} is not a file")
            return
        yield from self._check_octets(message, path)
        if message.seconds is not None and status.st_mtime_ns // 10**9 != message.seconds:
            detail = f"{path} has another date than the message"
            yield ContentFinding(CHANGED, message.digest, detail)

    def _check_names(self, names: list[str]) -> Iterator[ContentFinding]:
        parsed = {name: ServedName.parse(name) for name in names}
        wanted = self._served.wanted({each.uid for each in parsed.values() if each})
        for name, each in parsed.items():
            path = self._folder.cur / name
            if each is None:
                yield ContentFinding(FOREIGN, None, f"{path} is no file of the archive")
                continue
            message = wanted.get(each.uid)
            if message is None or not self._served.is_of(message, each):
                yield ContentFinding(CHANGED, None, f"{path} is of no message that is there")
                continue
            letters = self._folder.letters(message.flags)
            if each.letters != letters:
                self._missing.pop(each.uid, None)
                detail = f"{path} has other flags than the message: {letters!r} is right"
                yield ContentFinding(CHANGED, message.digest, detail)
            elif each.uid in self._missing:
                yield ContentFinding(CHANGED, message.digest, f"{path} gives another size")

    def _foreign_arrivals(self) -> Iterator[ContentFinding]:
        with suppress(FileNotFoundError, NotADirectoryError):
            for path in (self._folder.path / "new").iterdir():
                yield ContentFinding(FOREIGN, None, f"{path} is no file of the archive")
