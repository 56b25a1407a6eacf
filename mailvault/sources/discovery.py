"""Finds the mail below a path: which files hold it, in which format, of which mailboxes."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

from mailvault.errors import SourceError
from mailvault.mail import folder_names, gmail_export
from mailvault.mail.findings import LeftOut
from mailvault.mail.model import MailboxName
from mailvault.sources.eml import EML, EMLX, EmlPortion
from mailvault.sources.export_record import has_record, read_record
from mailvault.sources.file_kinds import (
    SNIFFED,
    Kind,
    has_labels,
    is_known_companion,
    is_named_mbox,
    kind_of,
)
from mailvault.sources.file_tree import Listing, Tree, TreePath
from mailvault.sources.maildir import CUR, NEW, TMP, MaildirPortion
from mailvault.sources.mbox import LabelledPortion, MboxDialect, MboxPortion
from mailvault.sources.message_octets import Found, Manner, Portion
from mailvault.sources.naming import Place
from mailvault.sources.opened_file import OpenedFile
from mailvault.sources.unpacking import unpacked

_DEEPEST = 100
"""Levels of folders; what lies deeper is not looked at."""


class FileFormat(StrEnum):
    AUTO = "auto"
    MAILDIR = "maildir"
    MBOX = "mbox"
    EML = "eml"


@dataclass(frozen=True, slots=True)
class BrokenPortion:
    """Something in which there may be mail, and which cannot be read."""

    where: str
    reason: str
    kind: str = "not readable"

    def count(self) -> None:
        return

    def messages(self, spool_folder: Path) -> Iterator[Found]:  # noqa: ARG002 - it has none
        raise SourceError(f"{self.where}: {self.reason}")


@dataclass(slots=True)
class Discovered:
    """All mail below a path, by mailbox, in the order in which it lies there."""

    portions: dict[MailboxName, list[Portion]] = field(default_factory=dict)
    special_use: dict[MailboxName, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    others: int = 0
    """Files that are no mail."""

    @property
    def is_broken(self) -> bool:
        """Whether there may be more than was found."""
        return any(
            isinstance(portion, BrokenPortion)
            for portions in self.portions.values()
            for portion in portions
        )

    def add(self, name: MailboxName, portion: Portion) -> None:
        self.portions.setdefault(name, []).append(portion)


class Discovery:
    """Looks through one tree."""

    def __init__(
        self, tree: Tree, file_format: FileFormat, *, keeps_line_ends: bool = False
    ) -> None:
        self._tree = tree
        self._format = file_format
        self._keeps_line_ends = keeps_line_ends
        self._place = Place(tree.name)
        self.found = Discovered()

    def run(self) -> Discovered:
        """Raises SourceError when not even the root can be read."""
        path, listing = self._root()
        self._place = replace(self._place, start=path)
        self._explore(path, listing)
        damage = self._tree.damage()
        if damage is not None:
            self._break(next(reversed(self.found.portions), None), path, damage)
        return self.found

    def _root(self) -> tuple[TreePath, Listing]:
        """Where mail begins: an archive file often holds nothing but one folder."""
        path: TreePath = ()
        listing = self._tree.list(path)
        while self._tree.is_archive and len(listing.folders) == 1 and not listing.files:
            inner_path = (*path, listing.folders[0])
            inner = self._tree.list(inner_path)
            is_wrapper = not inner.files or _is_maildir(inner) or has_record(inner.files)
            if _is_maildir(listing) or not (is_wrapper or inner_path == ("Takeout", "Mail")):
                break
            path, listing = inner_path, inner
        return path, listing

    @property
    def _manner(self) -> Manner:
        return Manner(self._place.record is not None, self._keeps_line_ends)

    def _wants(self, file_format: FileFormat) -> bool:
        return self._format in (FileFormat.AUTO, file_format)

    # Folders

    def _explore(self, path: TreePath, listing: Listing) -> None:
        outer, self._place = self._place, self._place_of(path, listing)
        try:
            self._take_folder(path, listing)
            for name in self._place.recorded():
                self.found.portions.setdefault(name, [])
        finally:
            self._place = outer

    def _place_of(self, path: TreePath, listing: Listing) -> Place:
        record = read_record(self._tree, path, listing.files)
        if record is not None:
            return self._place.with_record(path, record)
        is_profile = "prefs.js" in listing.files
        return self._place.with_profile(path) if is_profile else self._place

    def _take_folder(self, path: TreePath, listing: Listing) -> None:
        below = listing.folders
        if _is_maildir(listing):
            below = [name for name in below if name not in {CUR, NEW, TMP}]
            self._take_maildir(path, listing)
        self._take_files(path, listing)
        for name, reason in listing.odd.items():
            self._break(self._place.folder((*path, name)), (*path, name), reason)
        for name in below:
            self._explore_below((*path, name))

    def _explore_below(self, path: TreePath) -> None:
        try:
            if len(path) > _DEEPEST:
                raise SourceError(f"{self._tree.where(path)}: it lies too deep")
            self._explore(path, self._tree.list(path))
        except SourceError as error:
            self._break(self._place.folder(path), path, str(error))

    def _break(self, name: MailboxName | None, path: TreePath, reason: str) -> None:
        """Let the mailbox in which mail may be missing say so at the end of its pass."""
        where = self._tree.where(path)
        portion = BrokenPortion(where, reason.removeprefix(f"{where}: "))
        self.found.add(name or folder_names.of_parts(()), portion)

    def _take_maildir(self, path: TreePath, listing: Listing) -> None:
        if not self._wants(FileFormat.MAILDIR):
            return
        portion = MaildirPortion(
            self._tree, path, self._manner, is_thunderbirds=NEW not in listing.folders
        )
        self.found.add(self._place.maildir(path), portion)

    # Files

    def _take_files(self, path: TreePath, listing: Listing) -> None:
        messages: list[str] = []
        similar = 0
        for name in listing.files:
            if EML.search(name) or EMLX.search(name):
                messages.append(name)
            elif is_known_companion(name):
                self.found.others += 1
            elif self._take_file(path, name, listing) is Kind.MESSAGE:
                similar += 1
                messages += [name] if self._format is FileFormat.EML else []
        if similar and self._format is FileFormat.AUTO:
            reason = f"{similar} files may be messages; --format eml takes them"
            self.found.left_out.append(LeftOut(self._tree.where(path), reason))
        if messages and self._wants(FileFormat.EML):
            portion = EmlPortion(self._tree, path, messages, self._manner)
            self.found.add(self._place.folder(path), portion)

    def _take_file(self, folder: TreePath, name: str, listing: Listing) -> Kind:
        """Look into a file whose name says little, and take it if it is an mbox."""
        path = (*folder, name)
        try:
            with self._open(path) as file:
                start = _start(file)
        except SourceError as error:
            self._break(self._place.mbox(path), path, str(error))
            return Kind.OTHER
        kind = kind_of(name, start)
        if self._is_meant_as_mbox(kind, name, listing):
            kind = Kind.MBOX
        if kind is Kind.MBOX and self._wants(FileFormat.MBOX):
            self._take_mbox(path, start)
        elif kind is Kind.PACKED or (kind is Kind.OTHER and is_named_mbox(name)):
            reason = "not in a format that is read here; unpack or convert it first"
            self.found.left_out.append(LeftOut(self._tree.where(path), reason))
        else:
            self.found.others += kind is not Kind.MESSAGE or self._format is not FileFormat.EML
        return kind

    def _is_meant_as_mbox(self, kind: Kind, name: str, listing: Listing) -> bool:
        """An mbox may be empty, and the user may say that a file is one."""
        if kind is Kind.EMPTY:
            return is_named_mbox(name) or f"{name}.msf" in listing.files
        return (
            self._format is FileFormat.MBOX and self._tree.is_single and kind is not Kind.PACKED
        )

    def _open(self, path: TreePath) -> OpenedFile:
        return unpacked(self._tree.open(path), self._tree.where(path))

    def _take_mbox(self, path: TreePath, start: bytes) -> None:
        record = self._place.record
        has_status = record is not None and record.has_status
        portion = MboxPortion(
            partial(self._open, path),
            self._tree.where(path),
            MboxDialect(self._manner, has_status),
        )
        name = self._place.mbox(path)
        if has_labels(start) and record is None:
            self._take_labelled(portion, name)
        else:
            self.found.add(name, portion)

    def _take_labelled(self, portion: MboxPortion, name: MailboxName) -> None:
        """Takeout: one file of all mail is many mailboxes, the file of a label is one."""
        index = portion.index()
        own = next(
            (x for x in index.common() if gmail_export.is_file_of(name.parts[-1], x)), None
        )
        if own is not None:
            self._add_labelled(gmail_export.mailboxes((own,))[0], portion)
        else:
            for mailbox, count in index.mailboxes().items():
                self._add_labelled(mailbox, LabelledPortion(portion, index, mailbox, count))
        if index.damage is not None:
            self.found.add(
                next(reversed(self.found.portions), name),
                BrokenPortion(portion.where, index.damage),
            )

    def _add_labelled(self, name: MailboxName, portion: Portion) -> None:
        self.found.add(name, portion)
        use = gmail_export.special_use(name)
        if use is not None:
            self.found.special_use[name] = use


def _is_maildir(listing: Listing) -> bool:
    return CUR in listing.folders or {NEW, TMP} <= set(listing.folders)


def _start(file: OpenedFile) -> bytes:
    octets = b""
    while len(octets) < SNIFFED and (piece := file.read(SNIFFED - len(octets))):
        octets += piece
    return octets
