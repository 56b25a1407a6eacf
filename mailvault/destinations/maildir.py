"""Export to Maildir: exact octets, flags, keywords, and INTERNALDATE as the file's time.

The folders are Maildir++ in modified UTF-7, as a stock Dovecot or Courier serves them. A dot
or slash in a name becomes ``\\2e`` or ``\\2f``; Dovecot shows such names as they were with its
listescape plugin (2.3) or a backslash as ``mailbox_list_storage_escape_char`` (2.4). Names of
files derive from date and content, so a repeated export finds what is there.
"""

import logging
import os
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Self

from mailvault.destinations.export_folder import ExportFolder
from mailvault.destinations.files import writing
from mailvault.destinations.maildir_folder import MaildirFolder, make_maildir
from mailvault.mail import maildir
from mailvault.mail.model import INBOX, Digest, Flags, MailboxName, Octets
from mailvault.mail.pathnames import PathNames
from mailvault.protocols.imap import utf7

log = logging.getLogger(__name__)


class Layout(StrEnum):
    """How mailboxes lie in the folder; the values are Dovecot's."""

    MAILDIR_PLUS_PLUS = "maildir++"
    FILE_SYSTEM = "fs"


FORMATS = {Layout.MAILDIR_PLUS_PLUS: "maildir", Layout.FILE_SYSTEM: "maildir-fs"}
STEPS = {
    Layout.MAILDIR_PLUS_PLUS: partial(maildir.maildir_plus_plus, encode=utf7.encode),
    Layout.FILE_SYSTEM: partial(maildir.file_system, encode=utf7.encode),
}


class MaildirDestination:
    """A tree of Maildirs. Messages are best given mailbox by mailbox."""

    def __init__(
        self,
        path: Path,
        *,
        layout: Layout = Layout.MAILDIR_PLUS_PLUS,
        outside: Path | None = None,
    ) -> None:
        names = PathNames(STEPS[layout])
        self._layout = layout
        self._export = ExportFolder(path, FORMATS[layout], names, outside=outside)
        self._filled: set[MailboxName] = set()
        self._name: MailboxName | None = None
        self._mailbox: MaildirFolder | None = None

    def __enter__(self) -> Self:
        self._export.__enter__()
        if self._layout is Layout.MAILDIR_PLUS_PLUS:
            self._open(INBOX)  # the folder itself is a Maildir, with or without an INBOX
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
        flags: Flags,
        internal_date: datetime | None,
    ) -> None:
        """Add a message. Keywords beyond the 26 a Maildir can name are left out, and logged."""
        target = self._open(mailbox)
        self._filled.add(mailbox)
        with writing(f"a message of {mailbox}"):
            lost = target.add(octets, flags, internal_date)
        if lost:
            log.warning("%s: no room in a Maildir for %s", mailbox, ", ".join(sorted(lost)))

    def holds(
        self, mailbox: MailboxName, digest: Digest, internal_date: datetime | None
    ) -> bool:
        if not self._export.is_resumed:
            return False
        target = self._open(mailbox)
        self._filled.add(mailbox)
        return target.holds(digest, internal_date)

    def _open(self, mailbox: MailboxName) -> MaildirFolder:
        if self._mailbox is not None and self._name == mailbox:
            return self._mailbox
        self._close()
        is_resumed = self._export.is_resumed and mailbox not in self._filled
        with writing(f"the mailbox {mailbox}"):
            folder = self._export.open(mailbox)
            try:
                is_marked = self._layout is Layout.MAILDIR_PLUS_PLUS and mailbox != INBOX
                make_maildir(folder, is_marked=is_marked)
                self._mailbox = MaildirFolder(folder, is_resumed=is_resumed)
            except BaseException:
                os.close(folder)
                raise
        self._name = mailbox
        return self._mailbox

    def _close(self) -> None:
        mailbox, self._mailbox = self._mailbox, None
        if mailbox is not None:
            with writing(f"the mailbox {self._name}"):
                mailbox.close()
