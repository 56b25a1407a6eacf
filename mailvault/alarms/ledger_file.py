"""The ledger on disk: a small file in the archive's folder, shared by all processes.

An alarm is most wanted where that folder cannot be written: the disk is full, or not there.
Then the ledger lies in the user's state folder until it can be kept in its place again.
"""

import fcntl
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from mailvault.alarms.ledger import Ledger
from mailvault.alarms.ledger_json import understood, written
from mailvault.archive.private import make_folder, open_private, write_file
from mailvault.mail.json_values import ROTTEN

log = logging.getLogger(__name__)

LARGEST = 4 << 20


class LedgerFile:
    """Read, decide, write: all of it under `locked`."""

    def __init__(self, archive: Path, environment: Mapping[str, str]) -> None:
        self._here = archive / "alarms.json"
        name = sha256(str(archive.absolute()).encode()).hexdigest()[:16]
        self._elsewhere = _state_folder(environment) / f"alarms-{name}.json"
        self._memory = Ledger()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes and threads from changing the ledger meanwhile."""
        lock = self._open_lock("alarms.lock")
        try:
            if lock is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            if lock is not None:
                os.close(lock)

    @contextmanager
    def delivering(self) -> Iterator[bool]:
        """The right to deliver letters; False while another process has it."""
        lock = self._open_lock("alarms.delivering")
        try:
            yield lock is None or _is_taken(lock)
        finally:
            if lock is not None:
                os.close(lock)

    def load(self) -> Ledger:
        """The newest there is."""
        found = [self._memory, *(self._read(path) for path in (self._here, self._elsewhere))]
        return max((each for each in found if each is not None), key=lambda each: each.saved)

    def save(self, ledger: Ledger) -> bool:
        """Write it where that is possible; False if only this process remembers."""
        self._memory = ledger
        content = written(ledger)
        try:
            write_file(self._here, content)
        except OSError as error:
            log.info("%s: %s; the alarms are remembered elsewhere", self._here, error.strerror)
        else:
            with suppress(OSError):
                self._elsewhere.unlink(missing_ok=True)
            return True
        try:
            make_folder(self._elsewhere.parent)
            write_file(self._elsewhere, content)
        except OSError as error:
            log.warning("nowhere to remember alarms: %s: %s", self._elsewhere, error.strerror)
            return False
        return True

    def _read(self, path: Path) -> Ledger | None:
        try:
            with path.open("rb") as file:
                return understood(file.read(LARGEST))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ROTTEN as error:
            log.warning("%s cannot be read, and is ignored: %s", path, type(error).__name__)
            return None

    def _open_lock(self, name: str) -> int | None:
        for folder in (self._here.parent, self._elsewhere.parent):
            with suppress(OSError):
                return open_private(folder / name, os.O_RDWR | os.O_CREAT)
        return None


def _is_taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _state_folder(environment: Mapping[str, str]) -> Path:
    """Where a service or a user keeps what is no configuration (XDG Base Directory)."""
    if given := environment.get("STATE_DIRECTORY", "").split(":")[0]:  # systemd.exec(5)
        return Path(given)
    state = environment.get("XDG_STATE_HOME", "")
    if state.startswith("/"):
        return Path(state) / "mailvault"
    return Path(environment.get("HOME") or "/nonexistent") / ".local" / "state" / "mailvault"
