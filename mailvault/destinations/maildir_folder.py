"""One Maildir that an export fills: cur/, new/, tmp/ and dovecot-keywords."""

import os
from contextlib import suppress
from datetime import datetime

from mailvault.destinations.copies import Copies
from mailvault.destinations.files import (
    Staged,
    entries,
    open_folder,
    open_new,
    publish,
    remove_stale,
    stage,
    staging_name,
    write_all,
)
from mailvault.mail.maildir import FileName, Keywords, letters
from mailvault.mail.model import Flag, Flags, Octets

_KEYWORDS = "dovecot-keywords"
_KEYWORDS_LIMIT = 64 * 1024


def make_maildir(folder: int, *, is_marked: bool) -> None:
    """Make what is missing; Courier wants a mark in each subfolder of a Maildir++."""
    for name in ("cur", "new", "tmp"):
        os.close(open_folder(folder, name))
    if is_marked:
        with suppress(FileExistsError):
            os.close(open_new(folder, "maildirfolder"))


class MaildirFolder:
    """Takes over the open folder, and closes it."""

    def __init__(self, folder: int, *, is_resumed: bool) -> None:
        self._folder = folder
        self._cur = self._tmp = -1
        try:
            self._cur = open_folder(folder, "cur")
            self._tmp = open_folder(folder, "tmp")
            remove_stale(self._tmp)
            self._copies = Copies(_bases(folder, self._cur), is_resumed=is_resumed)
            self._keywords = Keywords.parse(_read(folder, _KEYWORDS))
            self._saved = self._keywords.encode()
        except BaseException:
            self._close_descriptors()
            raise

    def add(self, octets: Octets, flags: Flags, date: datetime | None) -> frozenset[Flag]:
        """Add a message; return the flags that found no room."""
        staging = staging_name()
        staged = stage(self._tmp, staging, octets, date)
        try:
            return self._publish(staging, staged, flags, date)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(staging, dir_fd=self._tmp)

    def close(self) -> None:
        try:
            for descriptor in (self._cur, self._folder):
                os.fsync(descriptor)
        finally:
            self._close_descriptors()
            os.close(self._folder)

    def _publish(
        self, staging: str, staged: Staged, flags: Flags, date: datetime | None
    ) -> frozenset[Flag]:
        found, lost = letters(flags, self._keywords)
        self._save_keywords()
        while True:
            base = self._copies.name(lambda number: _base(staged, date, number))
            if base is None:
                return frozenset()
            name = FileName(base, found, staged.size, staged.size + staged.bare_line_feeds)
            if publish(staging, self._tmp, str(name), self._cur):
                return lost

    def _save_keywords(self) -> None:
        """Write dovecot-keywords before a file name that needs it."""
        text = self._keywords.encode()
        if text == self._saved:
            return
        staging = staging_name()
        file = open_new(self._tmp, staging)
        try:
            write_all(file, text.encode())
            os.fsync(file)
        finally:
            os.close(file)
        os.rename(staging, _KEYWORDS, src_dir_fd=self._tmp, dst_dir_fd=self._folder)
        self._saved = text

    def _close_descriptors(self) -> None:
        for descriptor in (self._cur, self._tmp):
            if descriptor >= 0:
                os.close(descriptor)


def _base(staged: Staged, date: datetime | None, number: int) -> str:
    """A unique name; it begins with the seconds by which programs put messages in order."""
    seconds = max(0, int(date.timestamp())) if date else 0
    copy = f"_{number}" if number > 1 else ""
    return f"{seconds}.{str(staged.digest)[:32]}{copy}.mailvault"


def _bases(folder: int, cur: int) -> set[str]:
    names = entries(cur)
    new = open_folder(folder, "new")
    try:
        names += entries(new)
    finally:
        os.close(new)
    return {name.base for name in map(FileName.parse, names) if name is not None}


def _read(folder: int, name: str) -> str:
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return ""
    with os.fdopen(file, "rb") as opened:
        return opened.read(_KEYWORDS_LIMIT).decode("utf-8", "replace")
