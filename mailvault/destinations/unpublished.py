"""Files that are written, but neither durable nor named yet.

To sync a file by itself waits for the disk; many at once wait hardly longer than one.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from mailvault.destinations.files import publish, writing
from mailvault.errors import DestinationLost, MailvaultError, NoSpace

FILES = 250
OCTETS = 32 << 20
SYNCS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Unnamed:
    """An open file, its name of the moment, and the names to try for it."""

    file: int
    staging: str
    names: Iterator[str]
    size: int


class Unpublished:
    """Gives files in ``staging`` their names in ``target``, some hundred at a time.

    ``before`` makes durable what must be there before they are.
    """

    def __init__(
        self, staging: int, target: int, *, before: Callable[[], None] = lambda: None
    ) -> None:
        self._staging = staging
        self._target = target
        self._before = before
        self._waiting: list[Unnamed] = []
        self._octets = 0

    def add(self, unnamed: Unnamed) -> None:
        """Take over an open file.

        Raises:
            DestinationLost: what was given here before may not be there.
        """
        self._waiting.append(unnamed)
        self._octets += unnamed.size
        if len(self._waiting) >= FILES or self._octets >= OCTETS:
            self.flush()

    def flush(self) -> None:
        """Make everything durable, and only then visible."""
        waiting, self._waiting, self._octets = self._waiting, [], 0
        try:
            with writing("what was written last"):
                self._before()
                _sync([each.file for each in waiting])
                for each in waiting:
                    self._publish(each)
        except NoSpace:
            raise
        except MailvaultError as error:
            raise DestinationLost(str(error), hint="run the same command again") from error
        finally:
            for each in waiting:
                os.close(each.file)
                with suppress(FileNotFoundError):
                    os.unlink(each.staging, dir_fd=self._staging)

    def _publish(self, unnamed: Unnamed) -> None:
        for name in unnamed.names:
            if publish(unnamed.staging, self._staging, name, self._target):
                return


def _sync(files: list[int]) -> None:
    if len(files) < SYNCS_AT_ONCE:
        for file in files:
            os.fsync(file)
        return
    with ThreadPoolExecutor(SYNCS_AT_ONCE) as pool:
        for _ in pool.map(os.fsync, files):
            pass
