"""The source that reads files: one path, and all the mail below it.

An import is a sync from files, so this is a source like the others; only that files which are
not there any more say nothing of what was archived.
"""

# ruff: noqa: ARG002 - files have no position to resume at, and are compared whole
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from mailvault.errors import SourceError
from mailvault.mail.findings import Findings, FoundMailbox, LeftOut
from mailvault.mail.model import Batch, Cursor, Mailbox, MailboxName, MailboxState
from mailvault.ports import Known
from mailvault.sources.discovery import Discovered, Discovery, FileFormat
from mailvault.sources.file_cursor import FileCursor
from mailvault.sources.file_pass import UIDVALIDITY, FilePass, ImportedFiles, drop
from mailvault.sources.file_tree import Tree
from mailvault.sources.message_octets import FoundMessage, Portion, discard

log = logging.getLogger(__name__)


class FileSource:
    """Implements `ports.Source`. ``findings`` is what was found, and could not be read.

    ``owing`` are the mailboxes of which messages are owed: they are walked even if their files
    are gone, for then nothing is owed any more.
    """

    def __init__(
        self,
        open_tree: Callable[[], Tree],
        *,
        spool_folder: Path,
        file_format: str = FileFormat.AUTO,
        keeps_line_ends: bool = False,
        owing: Collection[MailboxName] = (),
    ) -> None:
        self._open_tree = open_tree
        self._owing = owing
        self._spool_folder = spool_folder
        self._format = FileFormat(file_format)
        self._keeps_line_ends = keeps_line_ends
        self._tree: Tree | None = None
        self._found: Discovered | None = None
        self._totals: dict[MailboxName, int] = {}
        self._unreadable: list[LeftOut] = []
        self._more = 0

    def __enter__(self) -> "FileSource":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._tree is not None:
            self._tree.close()
            self._tree = None

    @property
    def found(self) -> Discovered:
        if self._found is None:
            self._tree = self._open_tree()
            discovery = Discovery(
                self._tree, self._format, keeps_line_ends=self._keeps_line_ends
            )
            self._found = discovery.run()
            if not self._found.is_broken:
                for name in self._owing:
                    self._found.portions.setdefault(name, [])
        return self._found

    def findings(self) -> Findings:
        if self._found is None:
            return Findings()
        found = self._found
        return Findings(
            tuple(self._finding(name) for name in found.portions),
            tuple(found.left_out),
            tuple(self._unreadable),
            self._more,
            found.others,
        )

    def _finding(self, name: MailboxName) -> FoundMailbox:
        portions = self.found.portions[name]
        return FoundMailbox(
            name,
            tuple(dict.fromkeys(portion.kind for portion in portions)),
            tuple(dict.fromkeys(portion.where for portion in portions)),
            self._totals.get(name),
        )

    def names(self) -> Sequence[MailboxName]:
        return list(self.found.portions)

    def holds_mail(self, names: Iterable[MailboxName]) -> bool:
        """Whether there is a message in these, or something that might hold one.

        Reads up to the first.
        """
        return any(
            name in self._owing or any(map(self._is_of_mail, self.found.portions[name]))
            for name in names
        )

    def _is_of_mail(self, portion: Portion) -> bool:
        if portion.count():
            return True
        try:
            first = next(portion.messages(self._spool_folder), None)
        except SourceError:
            return True  # the pass tells why
        if isinstance(first, FoundMessage):
            discard(first.octets)
        return first is not None

    def mailboxes(self) -> Sequence[Mailbox]:
        return [self._mailbox(name) for name in self.found.portions]

    def _mailbox(self, name: MailboxName) -> Mailbox:
        count = None if self._in_order else self._count(name)
        use = self.found.special_use.get(name)
        return Mailbox(name, use, state=MailboxState(UIDVALIDITY, messages=count))

    @property
    def _in_order(self) -> bool:
        """What can only be read forwards is walked as it lies, not the biggest first."""
        return self._tree is not None and self._tree.is_streamed

    def _count(self, name: MailboxName) -> int | None:
        counts = [portion.count() for portion in self.found.portions[name]]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def is_level(self, mailbox: Mailbox, since: Cursor | None, known: Known) -> bool:
        """Counts prove nothing: one message may have come for another that went."""
        return False

    def is_same_mailbox(self, mailbox: Mailbox, since: Cursor, known: Known) -> bool:
        return False

    def changes(self, mailbox: Mailbox, since: Cursor | None, known: Known) -> Iterator[Batch]:
        walk = self._walk(mailbox, since, known)
        try:
            yield from walk.run()
        finally:
            self._note(mailbox.name, walk)

    def count_new(self, mailbox: Mailbox, since: Cursor | None, known: Known) -> int:
        """Reads everything: nothing less tells what is new. What breaks off is a finding."""
        walk = self._walk(mailbox, since, known)
        count = 0
        try:
            for batch in walk.run():
                count += drop(batch)
        except SourceError as error:
            self._unreadable.append(LeftOut(str(mailbox.name), str(error)))
        self._note(mailbox.name, walk)
        return count

    def _note(self, name: MailboxName, walk: FilePass) -> None:
        self._totals[name] = walk.total
        self._unreadable += [LeftOut(each.key, each.reason) for each in walk.unreadable]
        self._more += walk.more

    def _walk(self, mailbox: Mailbox, since: Cursor | None, known: Known) -> FilePass:
        assert self._tree is not None  # `mailboxes` gave the mailbox
        files = ImportedFiles(
            self.found.portions[mailbox.name], self._tree.where(()), self._spool_folder
        )
        return FilePass(files, FileCursor.parse(since), known)
