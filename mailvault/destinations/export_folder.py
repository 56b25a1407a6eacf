"""The folder an export fills, and its record of which mailbox lies where.

An export never mixes with what is not its own: the folder must be new or empty, or hold an
earlier export in the same format. Such an export is completed: messages that are there stay
as they are, missing ones are added, nothing is removed.
"""

import os
from pathlib import Path
from typing import Self

from mailvault.destinations.export_record import ExportRecord, texts
from mailvault.destinations.files import entries, open_path, writing
from mailvault.errors import DestinationError
from mailvault.mail.model import MailboxName
from mailvault.mail.pathnames import EXPORT_RECORD, PathNames
from mailvault.real_paths import within


class ExportFolder:
    """A context manager. ``outside`` is a folder that the export must not lie in."""

    def __init__(
        self,
        path: Path,
        format_name: str,
        names: PathNames,
        *,
        outside: Path | None = None,
        record_name: str = EXPORT_RECORD,
        inner: str = "",
    ) -> None:
        self.path = path
        self.is_resumed = False
        self._format = format_name
        self._names = names
        self._outside = outside
        self._record_name = record_name
        self._inner = inner  # added to the names of folders that hold mailboxes
        self._recorded: set[MailboxName] = set()
        self._root = -1
        self._record: ExportRecord | None = None

    def __enter__(self) -> Self:
        refuse_inside(self.path, self._outside)
        try:
            with writing(self.path):
                _refuse_file(self.path)
                self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._root = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                self._open_record()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            with writing(self.path):
                self.record.save()
                os.fsync(self._root)
        finally:
            self._close()

    @property
    def record(self) -> ExportRecord:
        assert self._record is not None, "the export is not open"
        return self._record

    def path_of(self, mailbox: MailboxName) -> tuple[str, ...]:
        """The path of a mailbox, by components; from now on it stands in the record."""
        path = self._names.path(mailbox)
        if mailbox not in self._recorded:
            self._recorded.add(mailbox)
            self.record.write({"mailbox": mailbox.parts, "path": path})
        return path

    def open(self, mailbox: MailboxName) -> int:
        """Open the folder of a mailbox."""
        return open_path(self._root, self.path_of(mailbox))

    def open_parent(self, mailbox: MailboxName) -> int:
        """Open the folder in which a mailbox is a file."""
        path = self.path_of(mailbox)[:-1]
        return open_path(self._root, tuple(component + self._inner for component in path))

    def _open_record(self) -> None:
        present = set(entries(self._root))
        if present and self._record_name not in present:
            raise self._not_empty()
        try:
            self._record = ExportRecord(self._root, self._record_name, self._format)
        except DestinationError as error:
            raise DestinationError(
                f"another export is writing to {self.path}", hint=error.hint
            ) from error
        if not self._record.is_of_this_format():
            raise self._not_empty()
        for entry in self._record.entries():
            self._learn(entry)
        self.is_resumed = not self._record.is_new

    def _learn(self, entry: dict[str, object]) -> None:
        name, path = texts(entry.get("mailbox")), texts(entry.get("path"))
        if name is not None and path is not None:
            self._names.learn(MailboxName(name), path)
            self._recorded.add(MailboxName(name))

    def _not_empty(self) -> DestinationError:
        hint = f"name a new folder, or one with an earlier export of kind {self._format}"
        return DestinationError(f"{self.path} is not empty", hint=hint)

    def _close(self) -> None:
        record, self._record = self._record, None
        if record is not None:
            record.close()
        if self._root >= 0:
            os.close(self._root)
        self._root = -1


def _refuse_file(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise DestinationError(
            f"{path} is a file, and an export fills a folder",
            hint="name a folder that is empty or not there yet",
        )


def refuse_inside(path: Path, outside: Path | None) -> None:
    """Refuse to write an export into the archive."""
    if outside and within(path, outside):
        raise DestinationError(
            f"{path} lies inside the archive", hint="export to a folder outside it"
        )
