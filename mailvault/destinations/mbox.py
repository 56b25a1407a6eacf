"""Export to one mbox file per mailbox, in the mboxrd variety of `mailvault.mail.mbox`.

The octets can be had back exactly; flags cannot, for nothing is added to a message. A file
gets its name when its mailbox is complete, so an interrupted export leaves no half of one.
"""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Self

from mailvault.destinations.export_folder import ExportFolder
from mailvault.destinations.files import (
    chunks,
    exists,
    open_new,
    publish,
    staging_name,
    write_all,
    writing,
)
from mailvault.errors import DestinationError
from mailvault.mail.mbox import from_line, quoted
from mailvault.mail.model import Flags, MailboxName, Octets
from mailvault.mail.pathnames import PathNames, nested

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class MboxDestination:
    """A file per mailbox, beside the folder of its children, in a folder new or empty."""

    def __init__(self, path: Path, *, outside: Path | None = None) -> None:
        self._names = PathNames(nested)
        self._export = ExportFolder(
            path, "mbox", self._names, outside=outside, may_resume=False
        )
        self._open_file: _MboxFile | None = None

    def __enter__(self) -> Self:
        self._export.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._close(is_complete=exception[0] is None)
        finally:
            self._export.__exit__(*exception)

    def create(self, mailbox: MailboxName) -> None:
        self._open(mailbox)

    def append(
        self,
        mailbox: MailboxName,
        octets: Octets,
        *,
        flags: Flags,  # noqa: ARG002  an mbox has no place for them
        internal_date: datetime | None,
    ) -> None:
        with writing(f"a message of {mailbox}"):
            self._open(mailbox).add(octets, internal_date)

    def _open(self, mailbox: MailboxName) -> "_MboxFile":
        if self._open_file is not None and self._open_file.mailbox == mailbox:
            return self._open_file
        self._close(is_complete=True)
        with writing(f"the mailbox {mailbox}"):
            folder = self._export.open(mailbox, depth=-1)
            try:
                name = self._names.path(mailbox)[-1] + ".mbox"
                self._open_file = _MboxFile(mailbox, folder, name)
            except BaseException:
                os.close(folder)
                raise
        return self._open_file

    def _close(self, *, is_complete: bool) -> None:
        opened, self._open_file = self._open_file, None
        if opened is not None:
            with writing(f"the mailbox {opened.mailbox}"):
                opened.close(is_complete=is_complete)


class _MboxFile:
    """Takes over the open folder, and closes it."""

    def __init__(self, mailbox: MailboxName, folder: int, name: str) -> None:
        self.mailbox = mailbox
        self._folder = folder
        self._name = name
        self._staging = staging_name()
        self._is_published = exists(name, folder)  # by this export, earlier
        if self._is_published:
            self._file = os.open(name, _APPEND, dir_fd=folder)
        else:
            self._file = open_new(folder, self._staging)

    def add(self, octets: Octets, date: datetime | None) -> None:
        start = os.lseek(self._file, 0, os.SEEK_END)
        try:
            write_all(self._file, from_line(date))
            for piece in quoted(chunks(octets)):
                write_all(self._file, piece)
            write_all(self._file, b"\n")
        except BaseException:
            os.ftruncate(self._file, start)  # half a message must not stand before the next
            os.lseek(self._file, start, os.SEEK_SET)
            raise

    def close(self, *, is_complete: bool) -> None:
        try:
            if is_complete:
                self._publish()
        finally:
            if not self._is_published:
                with suppress(FileNotFoundError):
                    os.unlink(self._staging, dir_fd=self._folder)
            os.close(self._file)
            os.close(self._folder)

    def _publish(self) -> None:
        os.fsync(self._file)
        if not self._is_published:
            if not publish(self._staging, self._folder, self._name, self._folder):
                raise DestinationError(f"{self._name} appeared while it was being written")
            self._is_published = True
        os.fsync(self._folder)
