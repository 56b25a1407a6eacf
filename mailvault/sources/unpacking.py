"""Compressed files, unpacked while they are read: gzip, bzip2, xz, zstd.

What a file is, its first octets say and not its name, as in Dovecot. A file that unpacks to
absurdly much is a bomb, and is given up.
"""

# ruff: noqa: ARG002 - what `OpenedFile` asks and only a plain file can do
import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from datetime import datetime
from typing import IO, Protocol, Self, cast

from mailvault.errors import SourceError
from mailvault.sources.opened_file import CHUNK, OpenedFile, reading

BOMB_FLOOR = 256 << 20
BOMB_RATIO = 200
"""No file unpacks to more than this many octets for each of its own, and the floor."""

_SKIP = 1 << 20


class _Stream(Protocol):
    """What is used of a decompressor."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


def _open_gzip(file: "_Packed") -> _Stream:
    return gzip.GzipFile(fileobj=file)


def _open_bzip2(file: "_Packed") -> _Stream:
    return bz2.BZ2File(file)


def _open_xz(file: "_Packed") -> _Stream:
    return lzma.LZMAFile(cast("IO[bytes]", file))  # of which it only reads


def _open_zstd(file: "_Packed") -> _Stream:
    import zstandard

    return _ZstdStream(file, zstandard.ZstdError)


_OPENERS: dict[bytes, Callable[["_Packed"], _Stream]] = {
    b"\x1f\x8b": _open_gzip,
    b"BZh": _open_bzip2,
    b"\xfd7zXZ\x00": _open_xz,
    b"\x28\xb5\x2f\xfd": _open_zstd,
}
_UNKNOWN = {b"Dovecot-LZ4\r\x2a\x9b\xc5": "LZ4"}


def is_packed(start: bytes) -> bool:
    return any(start.startswith(magic) for magic in (*_OPENERS, *_UNKNOWN))


def unpacked(file: OpenedFile, where: object) -> OpenedFile:
    """The file as it is, or unpacked if it is compressed. Closing it closes the file too."""
    start = file.read(16)
    file.seek(0)
    for magic, name in _UNKNOWN.items():
        if start.startswith(magic):
            file.close()
            raise SourceError(f"{where} is compressed with {name}, which is not understood")
    for magic, opener in _OPENERS.items():
        if start.startswith(magic):
            return UnpackedFile(file, opener, where)
    return file


class UnpackedFile:
    """Implements `OpenedFile` over a compressed one."""

    size = None

    def __init__(
        self, file: OpenedFile, opener: Callable[["_Packed"], _Stream], where: object
    ) -> None:
        self._file = file
        self._opener = opener
        self._where = where
        self._at = 0
        self._packed = _Packed(file)
        self._stream = self._begin()

    def _begin(self) -> _Stream:
        self._file.seek(0)
        self._at = 0
        self._packed = _Packed(self._file)
        with reading(self._where):
            return self._opener(self._packed)

    @property
    def modified(self) -> datetime | None:
        return self._file.modified

    def read(self, limit: int) -> bytes:
        with reading(self._where):
            octets = self._stream.read(min(limit, CHUNK))
        self._at += len(octets)
        if self._at > BOMB_FLOOR + BOMB_RATIO * self._packed.taken:
            raise SourceError(f"{self._where} unpacks to far more than mail ever does")
        return octets

    def seek(self, offset: int) -> None:
        if offset < self._at:
            self._stream.close()
            self._stream = self._begin()
        while self._at < offset:
            if not self.read(min(_SKIP, offset - self._at)):
                raise SourceError(f"{self._where} ends too early")

    def look(self, offset: int, limit: int) -> None:
        """Nothing: going there and back would unpack it all again."""
        return

    def is_unchanged(self) -> bool:
        return self._file.is_unchanged()

    def close(self) -> None:
        self._stream.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _Packed(io.RawIOBase):
    """An `OpenedFile` as the decompressors want it; counts what they take."""

    def __init__(self, file: OpenedFile) -> None:
        self._file = file
        self.taken = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        octets = self._file.read(CHUNK if size is None or size < 0 else min(size, CHUNK))
        self.taken += len(octets)
        return octets

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # whatever the decompressor gives
        octets = self.read(len(view))
        view[: len(octets)] = octets
        return len(octets)


class _ZstdStream:
    """Frames one after the other; damage is an OSError, as with the others."""

    def __init__(self, file: _Packed, damage: type[Exception]) -> None:
        import zstandard

        # A window of 2^27 octets is what Dovecot's own reader allows.
        decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        self._reader = decompressor.stream_reader(
            cast("IO[bytes]", file),  # of which it only reads
            read_across_frames=True,
        )
        self._damage = damage

    def read(self, size: int, /) -> bytes:
        try:
            return self._reader.read(size)
        except self._damage as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        self._reader.close()  # type: ignore[no-untyped-call]  # untyped in zstandard
