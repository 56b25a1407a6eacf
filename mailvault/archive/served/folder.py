"""One mailbox's folder: cur, new, tmp, and the files with which Dovecot keeps its books."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mailvault.archive.private import make_folder, replace_file
from mailvault.archive.served.names import ServedName
from mailvault.archive.served.uidlist import UidList
from mailvault.mail.maildir import Keywords, letters
from mailvault.mail.model import Flags

KEYWORDS = "dovecot-keywords"
SUBFOLDERS = ("cur", "new", "tmp")
_DOVECOTS = ("dovecot", "maildirfolder", "maildirsize")
_KEYWORDS_LIMIT = 64 << 10
_NO_LINK = {errno.EMLINK, errno.EPERM, errno.ENOTSUP, errno.EXDEV}


class MailboxFolder:
    """The folder at ``path``. What is not ours is never touched."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cur = path / "cur"
        self.uidlist = UidList(path)
        self._keywords: Keywords | None = None
        self._saved = ""

    @property
    def is_there(self) -> bool:
        return self.cur.is_dir()

    def make(self) -> None:
        for name in SUBFOLDERS:
            make_folder(self.path / name)

    def names(self) -> Iterator[str]:
        """Every name in cur/, in no order."""
        with suppress(FileNotFoundError), os.scandir(self.cur) as entries:
            for entry in entries:
                yield entry.name

    def ours(self) -> Iterator[tuple[str, ServedName]]:
        """The names in cur/ that we gave, whatever flags they have now."""
        for name in self.names():
            parsed = ServedName.parse(name)
            if parsed is not None:
                yield name, parsed

    def letters(self, flags: Flags) -> str:
        """The letters of flags. Keywords beyond the 26 a Maildir can name are left out."""
        if self._keywords is None:
            self._keywords = Keywords.parse(self._read_keywords())
            self._saved = self._keywords.encode()
        found, _ = letters(flags, self._keywords)
        return found

    def link(self, source: Path, name: str) -> None:
        """Give a file a name here, in the place of whatever has it."""
        self._save_keywords()
        target = self.cur / name
        try:
            _link(source, target)
        except FileExistsError:
            if _is_same(source, target):
                return
            draft = self.path / "tmp" / name
            draft.unlink(missing_ok=True)
            _link(source, draft)
            draft.replace(target)

    def rename(self, old: str, new: str) -> None:
        self._save_keywords()
        (self.cur / old).rename(self.cur / new)

    def unlink(self, name: str) -> None:
        (self.cur / name).unlink(missing_ok=True)

    def dismantle(self) -> None:
        """Remove all that is ours or Dovecot's; a folder with anything else in it stays."""
        for name, _ in self.ours():
            self.unlink(name)
        for entry in list(self.path.iterdir()):
            if entry.name.startswith(_DOVECOTS) and not entry.is_dir():
                entry.unlink(missing_ok=True)
        for name in SUBFOLDERS:
            _remove_if_empty(self.path / name)

    def _save_keywords(self) -> None:
        """Write down the letters given since, before the first name that has them."""
        text = self._keywords.encode() if self._keywords is not None else self._saved
        if text == self._saved:
            return
        path = self.path / KEYWORDS
        later = 0
        with suppress(FileNotFoundError):
            # Dovecot 2.3 reads the file again only if the second in its time has changed.
            later = int(path.stat().st_mtime) + 1
        replace_file(path, text.encode(), not_before=later)
        self._saved = text

    def _read_keywords(self) -> str:
        try:
            with (self.path / KEYWORDS).open("rb") as file:
                return file.read(_KEYWORDS_LIMIT).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""


def remove_empty_folders(path: Path, root: Path) -> None:
    """Remove a folder and those above it, up to the root, as far as they are empty."""
    while path not in (root, root.parent) and _remove_if_empty(path):
        path = path.parent


def _remove_if_empty(path: Path) -> bool:
    try:
        path.rmdir()
    except OSError:
        return False
    return True


def _link(source: Path, target: Path) -> None:
    """Link, or copy where the file has all the links it can have or there are none."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        draft = target.with_name(f".{target.name}")
        shutil.copy2(source, draft)
        draft.replace(target)


def _is_same(source: Path, target: Path) -> bool:
    one, other = source.lstat(), target.lstat()
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
