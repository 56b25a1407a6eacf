"""One Maildir that an export fills: cur/, new/, tmp/ and dovecot-keywords."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import chain

from mailvault.destinations.copies import Copies, copy_key, mailbox_key, seconds_of
from mailvault.destinations.files import (
    Measured,
    entries,
    open_folder,
    open_new,
    remove_stale,
    stage,
    staging_name,
    unstage,
    write_all,
)
from mailvault.destinations.unpublished import Unnamed, Unpublished
from mailvault.mail.maildir import FileName, Keywords, letters
from mailvault.mail.model import Digest, Flag, Flags, Octets

_KEYWORDS = "dovecot-keywords"
_KEYWORDS_LIMIT = 64 * 1024
_OWN = re.compile(r"(\d+)\.([0-9a-f]{32})(?:_\d+)?\.mailvault(?=[,:]|\Z)")


def make_maildir(folder: int, *, is_marked: bool) -> None:
    """Make what is missing; Courier wants a mark in each subfolder of a Maildir++."""
    for name in ("cur", "new", "tmp"):
        os.close(open_folder(folder, name))
    if is_marked:
        with suppress(FileExistsError):
            os.close(open_new(folder, "maildirfolder"))


class MaildirFolder:
    """Takes over the open folder, and closes it. ``is_resumed``: an earlier export was here."""

    def __init__(self, folder: int, *, is_resumed: bool) -> None:
        self._folder = folder
        self._cur = self._tmp = -1
        try:
            self._cur = open_folder(folder, "cur")
            self._tmp = open_folder(folder, "tmp")
            remove_stale(self._tmp)
            self._copies = Copies(_keys(folder, self._cur) if is_resumed else ())
            self._keywords = Keywords.parse(_read(folder, _KEYWORDS))
            self._saved = self._keywords.encode()
        except BaseException:
            self._close_descriptors()
            raise
        self._unpublished = Unpublished(self._tmp, self._cur, before=self._save_keywords)

    def holds(self, digest: Digest, date: datetime | None) -> bool:
        return self._copies.claim(mailbox_key(digest, date))

    def add(self, octets: Octets, flags: Flags, date: datetime | None) -> frozenset[Flag]:
        """Add a message; return the flags that found no room."""
        staged = stage(self._tmp, octets, date)
        measured = staged.measured
        if self.holds(measured.digest, date):
            unstage(staged, self._tmp)
            return frozenset()
        found, lost = letters(flags, self._keywords)
        names = self._names(measured, date, found)
        self._unpublished.add(Unnamed(staged.file, staged.name, names, measured.size))
        return lost

    def close(self) -> None:
        try:
            self._unpublished.flush()
            for descriptor in (self._cur, self._folder):
                os.fsync(descriptor)
        finally:
            self._close_descriptors()
            os.close(self._folder)

    def _names(self, measured: Measured, date: datetime | None, letters: str) -> Iterator[str]:
        key = mailbox_key(measured.digest, date)
        while True:
            yield maildir_name(measured, date, self._copies.number(key), letters)

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


def maildir_name(measured: Measured, date: datetime | None, number: int, letters: str) -> str:
    """A unique name; it begins with the seconds by which programs put messages in order."""
    copy = f"_{number}" if number > 1 else ""
    base = f"{seconds_of(date)}.{str(measured.digest)[:32]}{copy}.mailvault"
    size = measured.size
    return str(FileName(base, letters, size, size + measured.bare_line_feeds))


def _keys(folder: int, cur: int) -> Iterator[int]:
    """The keys of the messages that are there, whatever became of their flags."""
    new = open_folder(folder, "new")
    try:
        for name in chain(entries(cur), entries(new)):
            if found := _OWN.match(name):
                yield copy_key(found[2], found[1])
    finally:
        os.close(new)


def _read(folder: int, name: str) -> str:
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return ""
    with os.fdopen(file, "rb") as opened:
        return opened.read(_KEYWORDS_LIMIT).decode("utf-8", "replace")
