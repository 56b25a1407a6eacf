"""Octets on disk while a large message is taken apart or put together again."""

import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

from mailvault.archive.private import explained

CHUNK = 1 << 20


class Spool:
    """An unnamed temporary file: it is gone with the process, however that ends."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder if folder is not None and os.access(folder, os.W_OK) else None
        with explained(self._folder or Path(tempfile.gettempdir())):
            self._descriptor, name = tempfile.mkstemp(prefix="content-", dir=self._folder)
            Path(name).unlink()
        self._close = weakref.finalize(self, os.close, self._descriptor)
        self.size = 0

    def write(self, octets: bytes) -> int:
        """Append octets; return where they begin. Raises NoSpace when the disk is full."""
        start = self.size
        rest = memoryview(octets)
        with explained(self._folder or Path(tempfile.gettempdir())):
            while rest:
                written = os.pwrite(self._descriptor, rest, self.size)
                self.size += written
                rest = rest[written:]
        return start

    def read(self, start: int, size: int) -> bytes:
        """Read some octets; fewer where the file ends."""
        assert self._close.alive, "read after it was discarded"
        with explained(self._folder or Path(tempfile.gettempdir())):
            return os.pread(self._descriptor, size, start)

    def chunks(self) -> Iterator[bytes]:
        """Yield the octets from the start, in pieces of at most 1 MiB."""
        for start in range(0, self.size, CHUNK):
            yield self.read(start, min(CHUNK, self.size - start))

    def discard(self) -> None:
        """Give the space back. Idempotent."""
        self._close()
