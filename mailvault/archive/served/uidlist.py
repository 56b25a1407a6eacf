"""``dovecot-uidlist``: which file of a mailbox has which UID.

A first line ``3 V<uidvalidity> N<uidnext> G<guid>``, then one line a message in the order of
their UIDs: ``<uid> [<fields>] :<name without flags>``. Dovecot adds fields and lines of its
own. It is replaced by renaming, and changed only by the holder of ``dovecot-uidlist.lock``.
"""

import logging
import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from mailvault.archive.private import open_private
from mailvault.archive.served.names import OURS
from mailvault.errors import ArchiveLocked

log = logging.getLogger(__name__)

UIDLIST = "dovecot-uidlist"
LOCK = f"{UIDLIST}.lock"

_STALE = 120.0  # seconds after which Dovecot, too, overrides a lock
_PATIENCE = 10.0
_PAUSE = 0.02
_LONGEST_LINE = 4096
_LINE = re.compile(rb"(\d{1,10})(?: [^:\s]\S*)* :(\S.*)\n")

Entry: TypeAlias = tuple[int, str]
"""A UID and the name of its file without flags."""

Add: TypeAlias = Callable[[Entry], object]
"""Takes the next line of a new list."""


@dataclass(frozen=True, slots=True)
class Header:
    uidvalidity: int
    uidnext: int
    guid: str

    @property
    def is_ours(self) -> bool:
        """Whether it is one that we gave; Dovecot keeps that, and gives others."""
        return self.guid.startswith(OURS)

    def encode(self) -> bytes:
        return f"3 V{self.uidvalidity} N{self.uidnext} G{self.guid}\n".encode()

    @classmethod
    def parse(cls, line: bytes) -> "Header | None":
        words = line.decode("latin-1").split()
        fields = {word[0]: word[1:] for word in words[1:]}
        numbers = (fields.get("V", ""), fields.get("N", ""))
        if words[:1] != ["3"] or not all(text.isdecimal() for text in numbers):
            return None
        return cls(int(numbers[0]), int(numbers[1]), fields.get("G", ""))


class UidList:
    """The file in one mailbox's folder. Whoever changes it holds its lock."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / UIDLIST

    def header(self) -> Header | None:
        """The first line; None where there is no such file, or another one."""
        try:
            with self.path.open("rb") as file:
                return Header.parse(file.readline(_LONGEST_LINE))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def entries(self) -> Iterator[Entry]:
        """The lines that can be read, as they come."""
        try:
            file = self.path.open("rb")
        except (FileNotFoundError, NotADirectoryError):
            return
        with file:
            file.readline(_LONGEST_LINE)
            while line := file.readline(_LONGEST_LINE):
                found = _LINE.fullmatch(line)
                if found is not None:
                    yield int(found[1]), found[2].decode("utf-8", "replace")

    def is_whole(self) -> bool:
        """Whether it ends with its last line: else nothing may be appended."""
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def last_uid(self) -> int:
        """The UID in the last line; 0 where there are only other lines."""
        with self.path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LONGEST_LINE))
            *_, last = file.read().splitlines(keepends=True)
        found = _LINE.fullmatch(last)
        return 0 if found is None else int(found[1])

    def touch_lock(self) -> None:
        """Say that we are at work still."""
        os.utime(self.path.with_name(LOCK))

    def append(self, entries: Iterable[Entry]) -> None:
        descriptor = os.open(
            self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        )
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(map(_encode, entries))

    @contextmanager
    def rewriting(self, header: Header) -> Iterator[Add]:
        """Write it anew; it takes the place of the old one if all goes well."""
        draft = self.path.with_name(f"{UIDLIST}.mailvault")
        descriptor = open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(header.encode())
            yield lambda entry: file.write(_encode(entry))
        draft.replace(self.path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep Dovecot from changing the mailbox. Raises ArchiveLocked if it goes on and on."""
        path = self.path.with_name(LOCK)
        deadline = time.monotonic() + _PATIENCE
        while not _take(path):
            if time.monotonic() > deadline:
                raise ArchiveLocked(f"{path} is held by another program")
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _encode(entry: Entry) -> bytes:
    uid, name = entry
    return f"{uid} :{name}\n".encode()


def _take(path: Path) -> bool:
    try:
        descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        if _is_left_over(path):
            log.info("%s: removed a lock that was left over", path)
            path.unlink(missing_ok=True)
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(f"{os.getpid()}:{socket.gethostname()}".encode())
    return True


def _is_left_over(path: Path) -> bool:
    """Whether the owner of a lock is dead, or has not touched it for long."""
    try:
        age = time.time() - path.lstat().st_mtime
        owner, _, host = path.read_text("ascii", "replace").partition(":")
    except FileNotFoundError:
        return False
    if host.strip() != socket.gethostname() or not owner.isdecimal():
        return age > _STALE
    if int(owner) == os.getpid():
        return True  # one thread at a time works here, so it is not ours any more
    with suppress(PermissionError):
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            return True
    return age > _STALE
