"""Compressed files, unpacked while they are read: gzip, bzip2, xz, zstd.

What a file is, its first octets say and not its name, as in Dovecot. A file that unpacks to
absurdly much is a bomb, and is given up.
"""

# ruff: noqa: ARG002 - what `OpenedFile` asks and only a plain file can do
import bz2
import gzip
import io
import lzma
import re
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, Self

from mailvault.errors import SourceError
from mailvault.sources.opened_file import CHUNK, OpenedFile, reading

BOMB_FLOOR = 64 << 20
BOMB_RATIO = 200
"""No file unpacks to more than this many octets for each of its own, and the floor."""

_SKIP = 1 << 20
_STEP = 1024
_XZ_MEMORY = 128 << 20


class _Stream(Protocol):
    """What is used of a decompressor."""

    def read1(self, size: int, /) -> bytes:
        """Some octets, as soon as there are any: those before damage are sound."""
        ...

    def close(self) -> None: ...


def _open_gzip(file: "_Packed") -> _Stream:
    return gzip.GzipFile(fileobj=file)


def _open_bzip2(file: "_Packed") -> _Stream:
    return bz2.BZ2File(file)


def _open_xz(file: "_Packed") -> _Stream:
    return _XzStream(file)


def _open_zstd(file: "_Packed") -> _Stream:
    return _ZstdStream(file)


_OPENERS: tuple[tuple[re.Pattern[bytes], Callable[["_Packed"], _Stream]], ...] = (
    (re.compile(rb"\x1f\x8b\x08"), _open_gzip),
    (re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", re.DOTALL), _open_bzip2),
    (re.compile(rb"\xfd7zXZ\x00"), _open_xz),
    (re.compile(rb"\x28\xb5\x2f\xfd"), _open_zstd),
)
_UNKNOWN = {b"Dovecot-LZ4\r\x2a\x9b\xc5": "LZ4"}


def unpacked(file: OpenedFile, where: object) -> OpenedFile:
    """The file as it is, or unpacked if it is compressed. Closing it closes the file too."""
    try:
        return _unpacked(file, where)
    except BaseException:
        file.close()
        raise


def _unpacked(file: OpenedFile, where: object) -> OpenedFile:
    start = file.read(16)
    file.seek(0)
    for magic, name in _UNKNOWN.items():
        if start.startswith(magic):
            raise SourceError(f"{where} is compressed with {name}, which is not understood")
    for pattern, opener in _OPENERS:
        if pattern.match(start):
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
            octets = self._stream.read1(min(limit, CHUNK))
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


class _XzStream:
    """Streams one after the other, in bounded memory: a dictionary may have 4 GiB."""

    def __init__(self, file: _Packed) -> None:
        self._file = file
        self._input = b""
        self._begin()

    def _begin(self) -> None:
        self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def read1(self, size: int, /) -> bytes:
        while True:
            if self._decompressor.eof:
                rest = (self._decompressor.unused_data or self._file.read(_STEP)).lstrip(b"\0")
                if not rest:
                    return b""
                self._input = rest
                self._begin()
            if self._decompressor.needs_input and not self._input:
                self._input = self._file.read(CHUNK)
                if not self._input:
                    raise EOFError("it ends in the middle")
            octets = self._decompressor.decompress(self._input, size)
            self._input = b""
            if octets:
                return octets

    def close(self) -> None:
        pass


class _ZstdStream:
    """Frames one after the other; a frame that breaks off is an error.

    Fed in small steps, because each gives all its octets at once: a block of 128 KiB can
    stand in four.
    """

    def __init__(self, file: _Packed) -> None:
        import zstandard

        self._file = file
        self._damage = zstandard.ZstdError
        # A window of 2^27 octets is what Dovecot's own reader allows.
        self._frames = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        self._frame = self._frames.decompressobj()
        self._is_begun = False
        self._output = b""
        self._at = 0

    def read1(self, size: int, /) -> bytes:
        while self._at >= len(self._output):
            step = self._file.read(_STEP)
            if not step:
                if self._is_begun:
                    raise EOFError("it ends in the middle of a frame")
                return b""
            try:
                self._output, self._at = self._unpacked(step), 0
            except self._damage as error:
                raise OSError(f"damaged: {error}") from error
        octets = self._output[self._at : self._at + size]
        self._at += len(octets)
        return octets

    def _unpacked(self, step: bytes) -> bytes:
        pieces = []
        while step:
            pieces.append(self._frame.decompress(step))
            self._is_begun = not self._frame.eof
            if self._is_begun:
                break
            step = self._frame.unused_data
            self._frame = self._frames.decompressobj()
        return b"".join(pieces)

    def close(self) -> None:
        pass
