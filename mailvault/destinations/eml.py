"""Export to files of one message each, with names for people, in a folder per mailbox.

Exact octets; INTERNALDATE is the file's time. Flags have no place in such files. Names derive
from date, subject and content, so a repeated export finds what is there.
"""

import os
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self

from mailvault.destinations.copies import Copies
from mailvault.destinations.export_folder import ExportFolder
from mailvault.destinations.files import (
    entries,
    publish,
    remove_stale,
    stage,
    staging_name,
    writing,
)
from mailvault.mail.envelope import parse_envelope
from mailvault.mail.filenames import eml_name
from mailvault.mail.model import Flags, MailboxName, Octets
from mailvault.mail.pathnames import PathNames, nested


class EmlDestination:
    """A folder per mailbox, nested as they are. Messages are best given mailbox by mailbox."""

    def __init__(self, path: Path, *, outside: Path | None = None) -> None:
        self._export = ExportFolder(path, "eml", PathNames(nested), outside=outside)
        self._filled: set[MailboxName] = set()
        self._name: MailboxName | None = None
        self._folder = -1
        self._copies = Copies((), is_resumed=False)

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

    def append(
        self,
        mailbox: MailboxName,
        octets: Octets,
        *,
        flags: Flags,  # noqa: ARG002  a file has no place for them
        internal_date: datetime | None,
    ) -> None:
        with writing(f"a message of {mailbox}"):
            self._open(mailbox)
            self._filled.add(mailbox)
            self._add(octets, internal_date)

    def _add(self, octets: Octets, date: datetime | None) -> None:
        staging = staging_name()
        staged = stage(self._folder, staging, octets, date)
        try:
            envelope = parse_envelope(staged.head)
            numbered = partial(eml_name, staged.digest, date or envelope.date, envelope.subject)
            while (name := self._copies.name(numbered)) is not None:
                if publish(staging, self._folder, name, self._folder):
                    return
        finally:
            with suppress(FileNotFoundError):
                os.unlink(staging, dir_fd=self._folder)

    def _open(self, mailbox: MailboxName) -> None:
        if self._folder >= 0 and self._name == mailbox:
            return
        self._close()
        with writing(f"the mailbox {mailbox}"):
            self._folder = self._export.open(mailbox)
            is_resumed = self._export.is_resumed and mailbox not in self._filled
            remove_stale(self._folder)
            self._copies = Copies(set(entries(self._folder)), is_resumed=is_resumed)
        self._name = mailbox

    def _close(self) -> None:
        folder, self._folder = self._folder, -1
        if folder >= 0:
            try:
                with writing(f"the mailbox {self._name}"):
                    os.fsync(folder)
            finally:
                os.close(folder)
