"""Export to one zip file with the files of a Maildir or .eml export, which have their dates.

It is written once, from the front to the end. What a killed export left is completed, as a
folder is.
"""

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Self

from mailvault.destinations.copies import Copies, mailbox_key
from mailvault.destinations.files import chunks, measured, writing
from mailvault.destinations.zip_file import ZipFile, refuse_finished
from mailvault.destinations.zip_formats import Member, ZipFormat, from_path
from mailvault.destinations.zip_record import ZipMailbox
from mailvault.mail.maildir import Keywords, letters
from mailvault.mail.model import INBOX, Digest, Flags, MailboxName, Octets
from mailvault.mail.pathnames import PathNames

KEYWORDS = "dovecot-keywords"


class ZipDestination:
    """A zip file with a file for each message. Messages are best given mailbox by mailbox."""

    def __init__(self, path: Path, form: ZipFormat, *, outside: Path | None = None) -> None:
        self._form = form
        self._zip = ZipFile(path, form.name, PathNames(form.steps), outside=outside)
        self._filled: set[MailboxName] = set()
        self._mailbox: MailboxName | None = None
        self._path: tuple[str, ...] = ()
        self._copies = Copies()
        self._keywords = Keywords()

    def __enter__(self) -> Self:
        self._zip.open()
        if self._form.mark:  # Maildir++: the top is a Maildir, with or without an INBOX
            self.create(INBOX)
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            if exception[0] is None:
                with writing(self._zip.path):
                    self._leave()
                    self._add_keywords()
                self._zip.finish()
            else:
                with suppress(OSError):
                    self._leave()
        finally:
            self._zip.close()

    def create(self, mailbox: MailboxName) -> None:
        with writing(f"the mailbox {mailbox}"):
            self._enter(mailbox)

    def holds(
        self, mailbox: MailboxName, digest: Digest, internal_date: datetime | None
    ) -> bool:
        if not self._zip.is_resumed:
            return False
        self.create(mailbox)
        self._filled.add(mailbox)
        return self._copies.claim(mailbox_key(digest, internal_date))

    def append(
        self,
        mailbox: MailboxName,
        octets: Octets,
        *,
        flags: Flags,
        internal_date: datetime | None,
    ) -> None:
        self.create(mailbox)
        self._filled.add(mailbox)
        with writing(f"a message of {mailbox}"):
            found = measured(octets)
        key = mailbox_key(found.digest, internal_date)
        if self._copies.claim(key):
            return
        refuse_finished(self._zip)
        shown, _ = letters(flags, self._keywords) if self._form.has_keywords else ("", None)
        member = Member(found, internal_date, self._copies.number(key), shown)
        mtime = None if internal_date is None else int(internal_date.timestamp())
        with writing(f"a message of {mailbox}"):
            name = self._form.member(self._path, member)
            pieces = chunks(octets)
            entry = self._zip.writer.write(name, pieces, mtime=mtime, size=found.size)
            self._zip.add(entry, key)
            if self._zip.is_due():
                self._zip.mark(self._path, self._keywords.encode())

    def _enter(self, mailbox: MailboxName) -> None:
        if self._mailbox == mailbox:
            return
        self._leave()
        self._mailbox = mailbox
        self._path = self._zip.path_of(mailbox)
        known = self._zip.record.mailboxes.get(self._path)
        if known is None:
            refuse_finished(self._zip)
            self._make_folders()
        known = known or ZipMailbox()
        is_own = mailbox in self._filled
        self._copies = Copies(own=known.messages()) if is_own else Copies(known.messages())
        self._keywords = Keywords.parse(known.keywords)

    def _make_folders(self) -> None:
        for name in self._form.made(self._path):
            self._zip.add(self._zip.writer.folder(name))
        if self._form.mark and self._path:
            name = from_path(self._path, self._form.mark)
            self._zip.add(self._zip.writer.write(name, (), mtime=None, size=0))

    def _leave(self) -> None:
        if self._mailbox is not None and not self._zip.is_finished:
            self._zip.mark(self._path, self._keywords.encode())
        self._mailbox = None

    def _add_keywords(self) -> None:
        if self._zip.is_finished:
            return
        for path, known in self._zip.record.mailboxes.items():
            if known.keywords:
                text = known.keywords.encode()
                name = from_path(path, KEYWORDS)
                entry = self._zip.writer.write(name, [text], mtime=None, size=len(text))
                self._zip.add(entry)
