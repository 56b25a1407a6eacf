"""The zip file that an export fills: hidden while it is half, resumed, and named when whole."""

import json
import os
from contextlib import suppress
from itertools import chain
from pathlib import Path

from mailvault.destinations.copies import KEY_OCTETS
from mailvault.destinations.export_folder import refuse_inside
from mailvault.destinations.export_record import ExportRecord, texts
from mailvault.destinations.files import exists, publish, writing
from mailvault.destinations.zip_record import ZipRecord
from mailvault.destinations.zip_writer import ZipWriter
from mailvault.errors import DestinationError
from mailvault.mail.model import MailboxName
from mailvault.mail.pathnames import EXPORT_RECORD, PathNames
from mailvault.mail.zip_records import ZipEntry, central_header, end_of_directory

MARK_OCTETS = 32 << 20
MARK_MESSAGES = 1000

_HALF = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class ZipFile:
    """Open it, add to it, finish it, close it."""

    def __init__(
        self,
        path: Path,
        format_name: str,
        names: PathNames,
        *,
        outside: Path | None,
        names_file: str = EXPORT_RECORD,
    ) -> None:
        self.path = path
        self.is_resumed = False
        self.is_finished = False  # by an earlier export, which was killed while tidying up
        self._format = format_name
        self._names = names
        self._outside = outside
        self._names_file = names_file
        self._hidden = f".{path.name}.partial"
        self._record_name = f".{path.name}.partial.jsonl"
        self._known: set[MailboxName] = set()
        self._entries: list[ZipEntry] = []
        self._keys = bytearray()
        self._folder = self._file = -1

    def open(self) -> None:
        """Begin it, or find what an earlier export left. Whatever comes, close it then."""
        refuse_inside(self.path, self._outside)
        try:
            with writing(self.path):
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._folder = os.open(
                    self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
                )
                self._open()
        except BaseException:
            self.close()
            raise

    def finish(self) -> None:
        """Write the directory, and give the file its name."""
        with writing(self.path):
            if not self.is_finished:
                self._publish()
            for name in (self._hidden, self._record_name):
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=self._folder)

    def close(self) -> None:
        for descriptor in (self._file, self._folder):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._folder = -1
        if hasattr(self, "_lines"):
            self._lines.close()

    def path_of(self, mailbox: MailboxName) -> tuple[str, ...]:
        path = self._names.path(mailbox)
        if mailbox not in self._known:
            self._known.add(mailbox)
            self._lines.write({"mailbox": mailbox.parts, "path": path})
        return path

    def add(self, entry: ZipEntry, *keys: int) -> None:
        """Note a file that was written, and the messages in it."""
        self._entries.append(entry)
        for key in keys:
            self._keys += key.to_bytes(KEY_OCTETS, "big")

    def is_due(self) -> bool:
        """Whether enough was written to be worth a mark."""
        grown = self.writer.at - self.record.octets
        return grown >= MARK_OCTETS or len(self._entries) >= MARK_MESSAGES

    def mark(self, path: tuple[str, ...], keywords: str) -> None:
        """Make what was added durable; all of it belongs to one mailbox."""
        os.fsync(self._file)
        self.record.mark(path, self.writer.at, self._entries, bytes(self._keys), keywords)
        self._entries.clear()
        self._keys.clear()

    def _open(self) -> None:
        is_there = exists(self.path.name, self._folder)
        if is_there and not exists(self._record_name, self._folder):
            raise DestinationError(f"{self.path} is there already", hint="name a new file")
        try:
            self._lines = ExportRecord(self._folder, self._record_name, self._format)
        except DestinationError as error:
            raise DestinationError(
                f"another export is writing to {self.path}", hint=error.hint
            ) from error
        if not self._lines.is_of_this_format():
            raise DestinationError(
                f"{self.path} was begun as an export of another kind",
                hint=f"finish that one, or remove {self._record_name} and {self._hidden}",
            )
        self.record = ZipRecord(self._lines)
        self.is_resumed = not self._lines.is_new
        self.is_finished = is_there
        if not is_there:
            self._open_half()
        self._learn_names()

    def _open_half(self) -> None:
        self._file = os.open(self._hidden, _HALF, 0o600, dir_fd=self._folder)
        if os.fstat(self._file).st_size < self.record.octets:
            self.record.forget()
        os.ftruncate(self._file, self.record.octets)
        self.writer = ZipWriter(self._file)

    def _learn_names(self) -> None:
        for line in self._lines.entries():
            name, path = texts(line.get("mailbox")), texts(line.get("path"))
            if name is not None and path is not None:
                self._names.learn(MailboxName(name), path)
                self._known.add(MailboxName(name))

    def _publish(self) -> None:
        self._write_names()
        self._write_directory()
        os.fsync(self._file)
        if not publish(self._hidden, self._folder, self.path.name, self._folder):
            raise DestinationError(f"{self.path} appeared while it was being written")
        os.fsync(self._folder)

    def _write_names(self) -> None:
        """Say in the zip file, too, what it is, and which path is which mailbox."""
        mailboxes = (line for line in self._lines.entries() if "mailbox" in line)
        self.writer.begin(self._names_file, mtime=None, size=None)
        for line in chain([self._lines.first], mailboxes):
            self.writer.feed(json.dumps(line).encode() + b"\n")
        self._entries.append(self.writer.end())

    def _write_directory(self) -> None:
        start, count = self.writer.at, 0
        for entries in (self.record.entries(), self._entries):
            for entry in entries:
                self.writer.raw(central_header(entry))
                count += 1
        self.writer.raw(end_of_directory(count, self.writer.at - start, start))


def refuse_finished(file: ZipFile) -> None:
    """Say that a zip file which has its name already takes no more."""
    if file.is_finished:
        raise DestinationError(
            f"{file.path} is complete, and is not added to", hint="export to a new file"
        )
