"""Export to one zip file with an mbox file for each mailbox.

What a killed export left is completed; a mailbox is in it as a whole, or not at all.
"""

from array import array
from datetime import datetime
from pathlib import Path
from typing import Self

from mailvault.destinations.copies import Copies, mailbox_key
from mailvault.destinations.files import chunks, writing
from mailvault.destinations.mbox import ENDING, FORMATS, INNER, RECORD, STEPS, MboxLayout
from mailvault.destinations.zip_file import ZipFile, refuse_finished
from mailvault.destinations.zip_formats import from_path
from mailvault.destinations.zip_record import ZipMailbox
from mailvault.errors import DestinationError
from mailvault.mail.mbox import from_line, quoted, with_status
from mailvault.mail.model import Digest, Flags, MailboxName, Octets, digest_of
from mailvault.mail.pathnames import PathNames


class ZippedMboxDestination:
    """A zip file with an mbox file for each mailbox, which is whole or not there at all."""

    def __init__(
        self,
        path: Path,
        *,
        layout: MboxLayout = MboxLayout.NESTED,
        has_status: bool = False,
        outside: Path | None = None,
    ) -> None:
        kind = f"zip-{FORMATS[layout]}{'-status' if has_status else ''}"
        self._zip = ZipFile(
            path, kind, PathNames(STEPS[layout]), outside=outside, names_file=RECORD[layout]
        )
        self._ending = ENDING[layout]
        self._inner = INNER[layout]
        self._has_status = has_status
        self._mailbox: MailboxName | None = None
        self._path: tuple[str, ...] = ()
        self._known: ZipMailbox | None = None
        self._copies = Copies()
        self._keys = array("Q")
        self._opened: set[MailboxName] = set()

    def __enter__(self) -> Self:
        self._zip.open()
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            if exception[0] is None:  # else what is half is cut off by the next export
                with writing(self._zip.path):
                    self._leave()
                self._zip.finish()
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
        with writing(f"a message of {mailbox}"):
            key = mailbox_key(digest_of(octets), internal_date)
        if self._copies.claim(key):
            return
        if self._known is not None:
            raise DestinationError(
                f"{mailbox} is in {self._zip.path} already, and is not added to",
                hint="export to a new file",
            )
        with writing(f"a message of {mailbox}"):
            self._zip.writer.feed(from_line(internal_date))
            pieces = chunks(octets)
            for piece in quoted(with_status(pieces, flags) if self._has_status else pieces):
                self._zip.writer.feed(piece)
            self._zip.writer.feed(b"\n")
        self._keys.append(key)

    def _enter(self, mailbox: MailboxName) -> None:
        if self._mailbox == mailbox:
            return
        self._leave()
        self._mailbox = mailbox
        *above, last = self._zip.path_of(mailbox)
        self._path = (*(part + self._inner for part in above), last + self._ending)
        self._known = self._zip.record.mailboxes.get(self._path)
        if self._known is None:
            refuse_finished(self._zip)
            self._zip.writer.begin(from_path(self._path), mtime=None, size=None)
        is_first = mailbox not in self._opened
        self._opened.add(mailbox)
        self._copies = Copies(self._known.messages() if self._known and is_first else ())

    def _leave(self) -> None:
        if self._mailbox is not None and self._known is None:
            self._zip.add(self._zip.writer.end(), *self._keys)
            self._zip.mark(self._path, "")
        self._keys = array("Q")
        self._mailbox = None
