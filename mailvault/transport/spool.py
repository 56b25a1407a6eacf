"""Messages too big for memory, on their way through a temporary file."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from mailvault.errors import ArchiveError, NoSpace

CHUNK = 1 << 20


class SpoolFile:
    """Octets in a temporary file that only its owner can read. Written once, read often.

    Nothing that is left over counts: the archive clears its tmp folder when it is opened.
    """

    def __init__(self, folder: Path) -> None:
        """Create the file. Raises ArchiveError, NoSpace when the disk is full."""
        try:
            # mkstemp gives mode 0600 whatever the umask.
            self._descriptor, name = tempfile.mkstemp(prefix="spool-", dir=folder)
        except OSError as error:
            raise _unusable(folder, error) from error
        self._path = Path(name)
        self._is_open = True
        self.size = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append octets. Raises as the constructor does."""
        rest = memoryview(data)
        self.size += len(rest)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise _unusable(self._path.parent, error) from error

    def finish(self) -> "SpoolFile":
        """End the writing; the file is then a message's `StreamedOctets`."""
        self._close()
        return self

    def abort(self) -> None:
        """Forget what was written. Idempotent."""
        self.discard()

    def chunks(self) -> Iterator[bytes]:
        """Yield the octets from the start, in pieces of at most 1 MiB."""
        with self._path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def discard(self) -> None:
        """Remove the file. Idempotent."""
        self._close()
        self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            os.close(self._descriptor)

    def __del__(self) -> None:
        # A message nobody took: a lost connection drops whole sets of them.
        if hasattr(self, "_path"):
            self.discard()


def _unusable(folder: Path, error: OSError) -> ArchiveError:
    what = f"{folder} cannot take a large message: {error.strerror}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(what, hint="make room on the disk of the archive")
    return ArchiveError(what)


def spooling(folder: Path | None) -> Callable[..., SpoolFile] | None:
    """Give what opens a file for each large message; None keeps them in memory."""
    return None if folder is None else lambda *_: SpoolFile(folder)
