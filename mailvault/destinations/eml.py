"""Export to files of one message each, with names for people, in a folder per mailbox.

Exact octets; INTERNALDATE is the file's time. Flags have no place in such files. Names derive
from date, subject and content, so a repeated export finds what is there.
"""

import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Self

from mailvault.destinations.copies import Copies, copy_key
from mailvault.destinations.export_folder import ExportFolder
from mailvault.destinations.files import entries, remove_stale, stage, unstage, writing
from mailvault.destinations.unpublished import Unnamed, Unpublished
from mailvault.mail.envelope import parse_envelope
from mailvault.mail.filenames import eml_name, instant
from mailvault.mail.model import Digest, Flags, MailboxName, Octets
from mailvault.mail.pathnames import PathNames, nested

_OWN = re.compile(r"(undated|\d+-\d{6})-(?:.*-)?([0-9a-f]{16})(?:-\d{1,9})?\.eml", re.DOTALL)


class EmlDestination:
    """A folder per mailbox, nested as they are. Messages are best given mailbox by mailbox."""

    def __init__(self, path: Path, *, outside: Path | None = None) -> None:
        self._export = ExportFolder(path, "eml", PathNames(nested), outside=outside)
        self._filled: set[MailboxName] = set()
        self._name: MailboxName | None = None
        self._opened: _EmlFolder | None = None

    def __enter__(self) -> Self:
        self._export.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._close()
        finally:
            self._export.__exit__(*exception)

    def create(self, mailbox: MailboxName) -> None:
        self._open(mailbox)

    def holds(
        self, mailbox: MailboxName, digest: Digest, internal_date: datetime | None
    ) -> bool:
        """As `ports.Resumable`. A name without INTERNALDATE is known only with the message."""
        if not self._export.is_resumed or internal_date is None:
            return False
        target = self._open(mailbox)
        self._filled.add(mailbox)
        return target.holds(digest, internal_date)

    def append(
        self,
        mailbox: MailboxName,
        octets: Octets,
        *,
        flags: Flags,  # noqa: ARG002  a file has no place for them
        internal_date: datetime | None,
    ) -> None:
        target = self._open(mailbox)
        self._filled.add(mailbox)
        with writing(f"a message of {mailbox}"):
            target.add(octets, internal_date)

    def _open(self, mailbox: MailboxName) -> "_EmlFolder":
        if self._opened is not None and self._name == mailbox:
            return self._opened
        self._close()
        is_resumed = self._export.is_resumed and mailbox not in self._filled
        with writing(f"the mailbox {mailbox}"):
            folder = self._export.open(mailbox)
            try:
                self._opened = _EmlFolder(folder, is_resumed=is_resumed)
            except BaseException:
                os.close(folder)
                raise
        self._name = mailbox
        return self._opened

    def _close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            with writing(f"the mailbox {self._name}"):
                opened.close()


class _EmlFolder:
    """Takes over the open folder, and closes it."""

    def __init__(self, folder: int, *, is_resumed: bool) -> None:
        self._folder = folder
        remove_stale(folder)
        self._copies = Copies(_keys(folder) if is_resumed else ())
        self._unpublished = Unpublished(folder, folder)

    def holds(self, digest: Digest, date: datetime | None) -> bool:
        return self._copies.claim(_key(digest, date))

    def add(self, octets: Octets, date: datetime | None) -> None:
        staged = stage(self._folder, octets, date)
        envelope = parse_envelope(staged.measured.head)
        date = date or envelope.date
        if self.holds(staged.measured.digest, date):
            unstage(staged, self._folder)
            return
        names = self._names(staged.measured.digest, date, envelope.subject)
        size = staged.measured.size
        self._unpublished.add(Unnamed(staged.file, staged.name, names, size))

    def close(self) -> None:
        try:
            self._unpublished.flush()
            os.fsync(self._folder)
        finally:
            os.close(self._folder)

    def _names(
        self, digest: Digest, date: datetime | None, subject: str | None
    ) -> Iterator[str]:
        while True:
            yield eml_name(digest, date, subject, self._copies.number(_key(digest, date)))


def _key(digest: Digest, date: datetime | None) -> int:
    return copy_key(str(digest)[:16], instant(date))


def _keys(folder: int) -> Iterator[int]:
    """The keys of the messages that are there."""
    for name in entries(folder):
        if found := _OWN.fullmatch(name):
            yield copy_key(found[2], found[1])
