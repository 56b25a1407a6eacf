"""Writes one file after the other into a zip file, in bounded memory."""

import os
import zlib
from collections.abc import Iterable
from dataclasses import replace

from mailvault.destinations.files import write_all
from mailvault.mail.zip_records import ZipEntry, local_header

_LEVEL = 6
_RAW = -zlib.MAX_WBITS  # a zip file has headers of its own around the deflated octets
_BIG = 0xFFFFFFFF - (64 << 20)  # deflate makes what cannot be compressed slightly longer


class ZipWriter:
    """Writes to the end of an open file; the caller syncs and closes it."""

    def __init__(self, file: int) -> None:
        self._file = file
        self.at = os.lseek(file, 0, os.SEEK_END)
        self._entry: ZipEntry | None = None
        self._compress = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)

    def write(
        self, name: str, pieces: Iterable[bytes], *, mtime: int | None, size: int
    ) -> ZipEntry:
        """Add a whole file; nothing of it stays if that goes wrong."""
        self.begin(name, mtime=mtime, size=size)
        try:
            for piece in pieces:
                self.feed(piece)
            return self.end()
        except BaseException:
            self.drop()
            raise

    def folder(self, name: str) -> ZipEntry:
        """Add a folder; its name ends with a slash."""
        entry = ZipEntry(name, self.at)
        self._append(local_header(entry))
        return entry

    def begin(self, name: str, *, mtime: int | None, size: int | None) -> None:
        """Begin a file; ``size`` is None where it is not known yet."""
        self._entry = ZipEntry(name, self.at, mtime, is_big=size is None or size >= _BIG)
        self._compress = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
        self._append(local_header(self._entry))

    def feed(self, octets: bytes) -> None:
        entry = self._under_way()
        packed = self._compress.compress(octets)
        self._append(packed)
        self._entry = replace(
            entry,
            crc=zlib.crc32(octets, entry.crc),
            packed=entry.packed + len(packed),
            size=entry.size + len(octets),
        )

    def end(self) -> ZipEntry:
        """End the file, and fill in its header what is known only now."""
        entry = self._under_way()
        packed = self._compress.flush()
        self._append(packed)
        entry = replace(entry, packed=entry.packed + len(packed))
        os.pwrite(self._file, local_header(entry), entry.at)
        self._entry = None
        return entry

    def drop(self) -> None:
        """Take back the file that is under way."""
        self.at = self._under_way().at
        self._entry = None
        os.ftruncate(self._file, self.at)
        os.lseek(self._file, self.at, os.SEEK_SET)

    def raw(self, octets: bytes) -> None:
        """Write octets that are no file: the directory at the end."""
        self._append(octets)

    def _append(self, octets: bytes) -> None:
        write_all(self._file, octets)
        self.at += len(octets)

    def _under_way(self) -> ZipEntry:
        assert self._entry is not None, "no file is under way"
        return self._entry
