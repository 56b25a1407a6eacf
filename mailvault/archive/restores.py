"""What restores put where: an append-only journal for each target, so that none doubles.

Before messages are sent, they are written down and synced; when the server has told their
UIDs, those follow. What a killed restore left open is settled by the next one, which looks
what the target holds. Losing these files costs the looking, never mail. The format is in
docs/archive-format.md.
"""

import errno
import fcntl
import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedWriter
from pathlib import Path
from typing import Self

from mailvault.archive.private import explained, make_folder, open_private, sync_folder
from mailvault.errors import ArchiveLocked
from mailvault.mail.model import Digest, MailboxName, Uid

log = logging.getLogger(__name__)

VERSION = 1
FOLDER = "restores"
_PLACES = "mailboxes.jsonl"
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was, or was about to be, sent. ``date`` is its INTERNALDATE."""

    digest: Digest
    size: int
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """Messages sent together, of which nobody knows yet whether the target has them.

    ``uidnext`` is the lowest UID that they can have.
    """

    number: int
    at: datetime
    uidnext: Uid
    messages: Sequence[Sent]


class MailboxJournal:
    """What was sent into one mailbox of a target, under its present UIDVALIDITY."""

    def __init__(
        self, path: Path | None, uidvalidity: int, *, is_writable: bool = True
    ) -> None:
        self.known: dict[Uid, Sent] = {}
        self.open: dict[int, Attempt] = {}
        self._path = path
        self._uidvalidity = uidvalidity
        self._numbers = 0
        self._is_writable = is_writable
        self._file: BufferedWriter | None = None
        for line in _lines(path):
            self._read(line)

    def intend(self, at: datetime, uidnext: Uid, messages: Sequence[Sent]) -> int:
        """Write down, durably, what is about to be sent; give the attempt's number."""
        self._numbers += 1
        attempt = Attempt(self._numbers, at, uidnext, messages)
        written = [[str(m.digest), m.size, _seconds(m.date)] for m in messages]
        self._write(
            ["try", attempt.number, _seconds(at), self._uidvalidity, uidnext, written],
            durably=True,
        )
        self.open[attempt.number] = attempt
        return attempt.number

    def settle(self, number: int, uids: Sequence[Uid | None]) -> None:
        """Write down which UIDs the messages of an attempt got; None: it is not there."""
        self._write(["got", number, [uid or 0 for uid in uids]])
        self._settled(number, uids)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _settled(self, number: int, uids: Sequence[Uid | None]) -> None:
        attempt = self.open.pop(number, None)
        if attempt is None:
            return
        for message, uid in zip(attempt.messages, uids, strict=False):
            if uid:
                self.known[uid] = message

    def _read(self, line: bytes) -> None:
        """Take a line in; one that a crash cut off, or that is not ours, says nothing."""
        try:
            match json.loads(line):
                case [
                    "try",
                    int(number),
                    int(at),
                    int(uidvalidity),
                    int(uidnext),
                    list(messages),
                ]:
                    self._numbers = max(self._numbers, number)
                    if uidvalidity == self._uidvalidity:
                        self.open[number] = Attempt(
                            number,
                            datetime.fromtimestamp(at, UTC),
                            Uid(uidnext),
                            [_sent(*each) for each in messages],
                        )
                case ["got", int(number), list(uids)]:
                    self._settled(number, [Uid(int(uid)) or None for uid in uids])
        except (ValueError, TypeError) as error:
            log.warning("%s: a line cannot be read: %r", self._path, error)

    def _write(self, line: list[object], *, durably: bool = False) -> None:
        if self._path is None or not self._is_writable:
            return
        with explained(self._path):
            if self._file is None:
                self._file = _open_appending(self._path)
            self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            self._file.flush()
            if durably:
                os.fsync(self._file.fileno())


class RestoreJournal:
    """All that is known of restores to one target. A context manager; it holds a lock."""

    def __init__(self, folder: Path | None, *, is_writable: bool = True) -> None:
        self._folder = folder
        self._is_writable = is_writable
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._places: dict[tuple[str, MailboxName], str] = {}
        self._resources = ExitStack()

    @classmethod
    def peek(cls, archive: Path, identity: str) -> Self:
        """Read what is known, for a restore that only says what it would do."""
        journal = cls(_folder(archive, identity), is_writable=False)
        journal._load(identity)
        return journal

    @classmethod
    def open(cls, archive: Path, identity: str) -> Self:
        """Open the journal for a target. Where nothing can be written, it forgets all.

        Raises ArchiveLocked: another restore to the same target is under way.
        """
        folder = _folder(archive, identity)
        with explained(archive):
            try:
                make_folder(folder.parent)
                make_folder(folder)
                lock = open_private(folder / "lock", os.O_RDWR | os.O_CREAT)
            except OSError as error:
                if error.errno not in _READ_ONLY:
                    raise
                log.warning("%s cannot be written to: nothing will be remembered", folder)
                return cls(None)
        journal = cls(folder)
        journal._resources.callback(os.close, lock)
        try:
            _take(lock, identity)
            journal._load(identity)
        except BaseException:
            journal.__exit__()
            raise
        return journal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._resources.close()

    def place(self, account: str, name: MailboxName) -> str | None:
        """Where an earlier restore put a mailbox."""
        return self._places.get((account, name))

    def note_place(self, account: str, name: MailboxName, path: str) -> None:
        if self._places.get((account, name)) == path:
            return
        self._places[account, name] = path
        self._append(["place", account, list(name.parts), path])

    def mailbox(self, path: str, uidvalidity: int) -> MailboxJournal:
        """What was sent into a mailbox; from any thread. The caller closes it."""
        with self._lock:
            if path not in self._numbers:
                self._numbers[path] = max(self._numbers.values(), default=0) + 1
                self._append(["mailbox", self._numbers[path], path])
            number = self._numbers[path]
        file = None if self._folder is None else self._folder / f"{number:06}.jsonl"
        return MailboxJournal(file, uidvalidity, is_writable=self._is_writable)

    def _load(self, identity: str) -> None:
        assert self._folder is not None
        lines = list(_lines(self._folder / _PLACES))
        if not lines:
            self._append(["restores", VERSION, identity])
        for line in lines:
            self._read(line)

    def _read(self, line: bytes) -> None:
        try:
            match json.loads(line):
                case ["mailbox", int(number), str(path)]:
                    self._numbers[path] = number
                case ["place", str(account), list(parts), str(path)]:
                    self._places[account, MailboxName(tuple(map(str, parts)))] = path
        except ValueError as error:
            log.warning("%s: a line cannot be read: %r", self._folder, error)

    def _append(self, line: list[object]) -> None:
        if self._folder is None or not self._is_writable:
            return
        path = self._folder / _PLACES
        with explained(path), _open_appending(path) as file:
            file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _folder(archive: Path, identity: str) -> Path:
    key = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return archive / FOLDER / key


def _lines(path: Path | None) -> Iterator[bytes]:
    if path is None:
        return
    with explained(path):
        try:
            with path.open("rb") as file:
                yield from file
        except FileNotFoundError:
            return


def _open_appending(path: Path) -> BufferedWriter:
    """Open for writing at the end, on a line of its own even behind a torn one."""
    is_new = not path.exists()
    file = os.fdopen(open_private(path, _APPENDING), "ab")
    if is_new:
        sync_folder(path.parent)
    elif _is_torn(path):
        file.write(b"\n")
    return file


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _take(lock: int, identity: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ArchiveLocked(
            f"another restore to {identity} is under way", hint="wait until it ends"
        ) from None


def _sent(digest: str, size: int, seconds: int | None) -> Sent:
    date = None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)
    return Sent(Digest.parse(digest), int(size), date)


def _seconds(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp())


def digests(attempts: Iterable[Attempt]) -> Iterator[Digest]:
    """Every message of these attempts."""
    for attempt in attempts:
        yield from (message.digest for message in attempt.messages)
