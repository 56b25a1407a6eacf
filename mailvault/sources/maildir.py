"""Maildirs to import: Courier's, Dovecot's, compressed ones, and Thunderbird's.

The octets are those that an IMAP server over the Maildir would give: every line end is CRLF.
INTERNALDATE is the file's time, as in Dovecot.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailvault.errors import SourceError
from mailvault.mail import maildir
from mailvault.mail.maildir import Keywords
from mailvault.mail.model import Flags
from mailvault.mail.store_fields import NOTHING, Marks, take_marks
from mailvault.sources.file_tree import Tree, TreePath
from mailvault.sources.message_octets import (
    AS_FOUND,
    Found,
    FoundMessage,
    Manner,
    UnreadMessage,
    as_served,
    chunks_of,
    discard,
    gather,
    joined,
    with_head,
)
from mailvault.sources.opened_file import OpenedFile
from mailvault.sources.unpacking import unpacked

CUR, NEW, TMP = "cur", "new", "tmp"

# Where file names may hold no colon, programs write another character.
_INFO = re.compile(r"[:;!]2,([A-Za-z]*)\Z")
_NUMBER = re.compile(r"\d{1,18}")
_KEYWORDS = "dovecot-keywords"
_KEYWORDS_LIMIT = 64 * 1024
_TRIES = 3


@dataclass(frozen=True, slots=True)
class _File:
    folder: str
    name: str

    @property
    def base(self) -> str:
        return _INFO.sub("", self.name)

    @property
    def letters(self) -> str | None:
        match = _INFO.search(self.name)
        return match[1] if match else None

    @property
    def place(self) -> tuple[int, str]:
        """By the seconds that names begin with; renaming for flags changes nothing."""
        number = _NUMBER.match(self.name)
        return (int(number[0]) if number else 0, self.base)


class MaildirPortion:
    """One Maildir. ``is_thunderbirds``: flags stand in the messages, not in the names."""

    kind = "Maildir"

    def __init__(
        self,
        tree: Tree,
        path: TreePath,
        manner: Manner = AS_FOUND,
        *,
        is_thunderbirds: bool = False,
    ) -> None:
        self._tree = tree
        self._path = path
        self._is_ours = manner.is_ours
        self._line_ends = manner.line_ends(as_served)
        self._is_thunderbirds = is_thunderbirds
        self.where = tree.where(path)

    def count(self) -> int:
        return sum(1 for _ in self._files())

    def messages(self, spool_folder: Path) -> Iterator[Found]:
        keywords = self._keywords()
        for folder in (CUR, NEW):
            for name, reason in self._odd(folder).items():
                key = self._key(_File(folder, name))
                yield UnreadMessage(key, f"{key}: {reason}")
        for file in self._in_order():
            found = self._read(file, keywords, spool_folder)
            if found is not None:
                yield found

    def _in_order(self) -> list[_File]:
        files = list(self._files())
        return files if self._tree.is_streamed else sorted(files, key=lambda each: each.place)

    def _files(self) -> Iterator[_File]:
        present = self._tree.list(self._path).folders
        for folder in (CUR, NEW):
            if folder in present:
                names = self._tree.list((*self._path, folder)).files
                yield from (_File(folder, name) for name in names if name[0] != ".")

    def _odd(self, folder: str) -> dict[str, str]:
        if folder not in self._tree.list(self._path).folders:
            return {}
        return self._tree.list((*self._path, folder)).odd

    def _key(self, file: _File) -> str:
        return self._tree.where((*self._path, file.base))

    def _keywords(self) -> Keywords:
        if _KEYWORDS not in self._tree.list(self._path).files:
            return Keywords()
        with self._tree.open((*self._path, _KEYWORDS)) as file:
            return Keywords.parse(file.read(_KEYWORDS_LIMIT).decode("utf-8", "replace"))

    def _read(self, file: _File, keywords: Keywords, spool_folder: Path) -> Found | None:
        """One message; None if it went while we were on our way to it."""
        reason = ""
        for _ in range(_TRIES):
            try:
                with self._open(file) as opened:
                    found = self._take(file, opened, keywords, spool_folder)
                    if opened.is_unchanged():
                        return found
                    discard(found.octets)
                    reason = "it is being written to"
            except SourceError as error:
                if not isinstance(error.__cause__, FileNotFoundError):
                    return UnreadMessage(self._key(file), str(error))
                renamed = self._renamed(file)
                if renamed is None:
                    return None
                file = renamed
        key = self._key(file)
        return UnreadMessage(key, f"{key}: {reason or 'it keeps moving'}")

    def _open(self, file: _File) -> OpenedFile:
        path = (*self._path, file.folder, file.name)
        opened = self._tree.open(path)
        return opened if self._is_ours else unpacked(opened, self._tree.where(path))

    def _renamed(self, file: _File) -> _File | None:
        """A message whose flags changed has a new name, and one that was new has moved."""
        return next((each for each in self._files() if each.base == file.base), None)

    def _take(
        self, file: _File, opened: OpenedFile, keywords: Keywords, spool_folder: Path
    ) -> FoundMessage:
        head, rest = with_head(chunks_of(opened))
        marks = NOTHING
        if self._is_thunderbirds and file.letters is None:
            head, marks = take_marks(head)
        octets, digest = gather(self._line_ends(head, joined(head, rest)), spool_folder)
        return FoundMessage(
            octets,
            digest,
            opened.modified,
            self._flags(file, keywords, marks),
            key=self._key(file),
        )

    def _flags(self, file: _File, keywords: Keywords, marks: Marks) -> Flags | None:
        if self._is_thunderbirds and file.letters is None:
            return marks.flags
        return maildir.flags(file.letters or "", keywords)
