"""Which mailbox a path below the imported one is: by rule, by a profile, or by a record."""

from dataclasses import dataclass

from mailvault.mail import folder_names
from mailvault.mail.model import MailboxName
from mailvault.protocols.imap import utf7
from mailvault.sources.export_record import ExportRecord
from mailvault.sources.file_tree import TreePath

_PROFILE_FOLDERS = (("Mail",), ("ImapMail",))


@dataclass(frozen=True, slots=True)
class Place:
    """The part of a tree in which names begin at ``start``, below ``levels``.

    A folder with the record of an export, or with Thunderbird's settings, begins a new one.
    """

    root: str
    """What the tree is called."""
    start: TreePath = ()
    levels: tuple[str, ...] = ()
    record: ExportRecord | None = None
    is_profile: bool = False

    def with_record(self, path: TreePath, record: ExportRecord) -> "Place":
        """Several exports may lie side by side, each in the folder of its account."""
        levels = (*self.levels, *map(folder_names.text, path[len(self.start) :]))
        return Place(self.root, path, levels, record)

    def with_profile(self, path: TreePath) -> "Place":
        return Place(self.root, path, self.levels, is_profile=True)

    def maildir(self, path: TreePath) -> MailboxName:
        relative = self._relative(path)
        if not relative and self.root.startswith(".") and not self.start:
            relative = (self.root,)  # one folder of a Maildir++, by itself
        return self._recorded(path) or self._below(
            folder_names.of_maildir(relative, utf7.decode)
        )

    def mbox(self, path: TreePath) -> MailboxName:
        return self._recorded(path) or self._below(
            folder_names.of_mbox(self._relative(path), self._root_name)
        )

    def folder(self, path: TreePath) -> MailboxName:
        relative = self._relative(path)
        if relative and relative[-1].startswith("."):
            return self.maildir(path)
        return self._recorded(path) or self._below(
            folder_names.of_folder(relative, self._root_name)
        )

    @property
    def _root_name(self) -> str:
        return self.start[-1] if self.start else self.root

    def _relative(self, path: TreePath) -> TreePath:
        relative = path[len(self.start) :]
        is_inside = self.is_profile and relative[:1] in _PROFILE_FOLDERS
        return relative[1:] if is_inside else relative

    def _recorded(self, path: TreePath) -> MailboxName | None:
        if self.record is None:
            return None
        name = self.record.name(path[len(self.start) :])
        return None if name is None else self._below(name)

    def _below(self, name: MailboxName) -> MailboxName:
        return MailboxName((*self.levels, *name.parts)) if self.levels else name

    def recorded(self) -> list[MailboxName]:
        """All mailboxes that the record names: an empty one is worth keeping too."""
        if self.record is None:
            return []
        return [self._below(name) for name in self.record.mailboxes.values()]
