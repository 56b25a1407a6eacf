"""Export to one mbox file per mailbox, in the mboxrd variety of `mailvault.mail.mbox`.

The octets can be had back exactly. An mbox has no place for flags but fields in the messages
themselves; they are added only where a person asked for that.
"""

from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Self

from mailvault.destinations.export_folder import ExportFolder
from mailvault.destinations.files import writing
from mailvault.destinations.mbox_file import Marks, MboxFile, read_marks
from mailvault.mail.model import Digest, Flags, MailboxName, Octets
from mailvault.mail.pathnames import EXPORT_RECORD, PathNames, nested, thunderbird


class MboxLayout(StrEnum):
    """How the files lie in the folder."""

    NESTED = "nested"
    """``Work.mbox`` beside the folder ``Work`` of its children."""
    THUNDERBIRD = "thunderbird"
    """``Work`` beside ``Work.sbd``: what Thunderbird keeps in its Local Folders."""


ENDING = {MboxLayout.NESTED: ".mbox", MboxLayout.THUNDERBIRD: ""}
INNER = {MboxLayout.NESTED: "", MboxLayout.THUNDERBIRD: ".sbd"}
STEPS = {MboxLayout.NESTED: nested, MboxLayout.THUNDERBIRD: thunderbird}
# Thunderbird takes every file without a dot in front for a mailbox.
RECORD = {MboxLayout.NESTED: EXPORT_RECORD, MboxLayout.THUNDERBIRD: f".{EXPORT_RECORD}"}
FORMATS = {MboxLayout.NESTED: "mbox", MboxLayout.THUNDERBIRD: "mbox-thunderbird"}


class MboxDestination:
    """A file per mailbox. ``has_status`` puts the flags into the messages."""

    def __init__(
        self,
        path: Path,
        *,
        layout: MboxLayout = MboxLayout.NESTED,
        has_status: bool = False,
        outside: Path | None = None,
    ) -> None:
        self._ending = ENDING[layout]
        self._has_status = has_status
        self._export = ExportFolder(
            path,
            FORMATS[layout] + ("-status" if has_status else ""),
            PathNames(STEPS[layout]),
            outside=outside,
            record_name=RECORD[layout],
            inner=INNER[layout],
        )
        self._marks: dict[tuple[str, ...], Marks] = {}
        self._opened: set[MailboxName] = set()
        self._name: MailboxName | None = None
        self._file: MboxFile | None = None

    def __enter__(self) -> Self:
        self._export.__enter__()
        self._marks = read_marks(self._export.record.entries())
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._close(is_complete=exception[0] is None)
        finally:
            self._export.__exit__(*exception)

    def create(self, mailbox: MailboxName) -> None:
        self._open(mailbox)

    def holds(
        self, mailbox: MailboxName, digest: Digest, internal_date: datetime | None
    ) -> bool:
        return self._export.is_resumed and self._open(mailbox).holds(digest, internal_date)

    def append(
        self,
        mailbox: MailboxName,
        octets: Octets,
        *,
        flags: Flags,
        internal_date: datetime | None,
    ) -> None:
        file = self._open(mailbox)
        add = partial(file.add, octets, internal_date)
        with writing(f"a message of {mailbox}"):
            add(status=flags if self._has_status else None)

    def _open(self, mailbox: MailboxName) -> MboxFile:
        if self._file is not None and self._name == mailbox:
            return self._file
        self._close(is_complete=True)
        with writing(f"the mailbox {mailbox}"):
            folder = self._export.open_parent(mailbox)
            *above, last = self._export.path_of(mailbox)
            path = (*above, last + self._ending)
            self._file = MboxFile(
                folder,
                path,
                self._export.record,
                self._marks.setdefault(path, Marks()),
                is_first=mailbox not in self._opened,
            )
        self._opened.add(mailbox)
        self._name = mailbox
        return self._file

    def _close(self, *, is_complete: bool) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        with writing(f"the mailbox {self._name}"):
            if is_complete:
                file.finish()
            else:
                file.abandon()
