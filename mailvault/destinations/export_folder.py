"""The folder an export fills, and its record of which mailbox lies where.

An export never mixes with what is not its own: the folder must be new or empty, or hold an
earlier export in the same format. Such an export is completed: messages that are there stay
as they are, missing ones are added, nothing is removed. (An mbox export cannot be completed.)
"""

import fcntl
import json
import os
from pathlib import Path
from typing import Self

from mailvault.destinations.files import entries, open_path, write_all, writing
from mailvault.errors import DestinationError
from mailvault.mail.model import MailboxName
from mailvault.mail.pathnames import EXPORT_RECORD, PathNames

_VERSION = 1
_RECORD_LIMIT = 64 << 20


class ExportFolder:
    """A context manager. ``outside`` is a folder that the export must not lie in."""

    def __init__(
        self,
        path: Path,
        format_name: str,
        names: PathNames,
        *,
        outside: Path | None = None,
        may_resume: bool = True,
    ) -> None:
        self.path = path
        self.is_resumed = False
        self._format = format_name
        self._names = names
        self._outside = outside
        self._may_resume = may_resume
        self._recorded: set[MailboxName] = set()
        self.root = -1
        self._record = -1

    def __enter__(self) -> Self:
        self._refuse_the_archive()
        try:
            with writing(self.path):
                self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.root = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                self._open_record()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            with writing(self.path):
                os.fsync(self._record)
                os.fsync(self.root)
        finally:
            self._close()

    def open(self, mailbox: MailboxName, *, depth: int | None = None) -> int:
        """Open the folder of a mailbox, or the one ``depth`` levels deep on the way to it."""
        path = self._names.path(mailbox)
        if mailbox not in self._recorded:
            self._recorded.add(mailbox)
            self._write({"mailbox": mailbox.parts, "path": path})
        return open_path(self.root, path[:depth])

    def _refuse_the_archive(self) -> None:
        if self._outside and self.path.resolve().is_relative_to(self._outside.resolve()):
            raise DestinationError(
                f"{self.path} lies inside the archive", hint="export to a folder outside it"
            )

    def _open_record(self) -> None:
        present = entries(self.root)
        if present and (EXPORT_RECORD not in present or not self._may_resume):
            raise self._not_empty()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._record = os.open(EXPORT_RECORD, flags, 0o600, dir_fd=self.root)
        try:
            fcntl.flock(self._record, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DestinationError(
                f"another export is writing to {self.path}", hint="wait until it has ended"
            ) from error
        if present:
            self._resume()
        else:
            self._write({"mailvault_export": _VERSION, "format": self._format})

    def _resume(self) -> None:
        with os.fdopen(os.dup(self._record), "rb") as file:
            text = file.read(_RECORD_LIMIT)
        first, *others = [_json(line) for line in text.splitlines()] or [None]
        expected = {"mailvault_export": _VERSION, "format": self._format}
        if first != expected:
            raise self._not_empty()
        if not text.endswith(b"\n"):  # the end of an export that was killed
            write_all(self._record, b"\n")
        for entry in others:
            self._learn(entry)
        self.is_resumed = True

    def _learn(self, entry: object) -> None:
        if not isinstance(entry, dict):
            return
        name, path = _texts(entry.get("mailbox")), _texts(entry.get("path"))
        if name is not None and path is not None:
            self._names.learn(MailboxName(name), path)
            self._recorded.add(MailboxName(name))

    def _write(self, entry: object) -> None:
        write_all(self._record, json.dumps(entry).encode() + b"\n")

    def _not_empty(self) -> DestinationError:
        hint = "name a new folder"
        if self._may_resume:
            hint += f", or one that holds an earlier export in the format {self._format}"
        return DestinationError(f"{self.path} is not empty", hint=hint)

    def _close(self) -> None:
        for descriptor in (self._record, self.root):
            if descriptor >= 0:
                os.close(descriptor)
        self._record = self.root = -1


def _json(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _texts(value: object) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None
