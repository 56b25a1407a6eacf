"""One message, one zstd frame: no dictionary, its size in its header, a checksum at its end.

So Dovecot's zlib plugin reads it as it lies, and so does ``zstd -d``. What is read is
believed only as far as its length goes: nothing beyond `FRAME_LIMIT` is held in memory.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from mailvault.archive.codec import FRAME_LIMIT, LEVEL, BadFrame, Codec
from mailvault.archive.content.spool import CHUNK, Spool
from mailvault.mail.model import Octets, octet_count

_WINDOW_LIMIT = 1 << 27  # what Dovecot allows too
_LONGEST_HEADER = 18  # RFC 8878 3.1.1
_BLOCK_HEADER = 3
_CHECKSUM = 4
_RLE = 1


def pack(octets: Octets, codec: Codec, tmp: Path | None) -> bytes | Spool:
    """Compress a message; one that is too big for memory into a temporary file."""
    if octet_count(octets) <= FRAME_LIMIT:
        return codec.compress(b"".join(octet_chunks(octets)))
    spool = Spool(tmp)
    try:
        _compress(octets, spool)
    except BaseException:
        spool.discard()  # a full disk gets its space back at once
        raise
    return spool


def octet_chunks(octets: Octets) -> Iterator[bytes]:
    """A message in pieces of at most 1 MiB."""
    if not isinstance(octets, bytes):
        yield from octets.chunks()
        return
    for start in range(0, len(octets), CHUNK):
        yield octets[start : start + CHUNK]


def unpack(path: Path, codec: Codec) -> Iterator[bytes]:
    """Yield the octets of a file in pieces of at most 4 MiB.

    Raises:
        BadFrame: it is not one whole frame and nothing else.
        OSError: it cannot be read; a symbolic link never is.
    """
    with _opened(path) as file:
        size = _announced(file)
        if size <= FRAME_LIMIT:
            yield codec.decompress(file.read(_most(size)), size)
        else:
            _check_end(file)
            yield from _decompressed(file, size)


def unpacked_size(path: Path) -> int:
    """How many octets a file says it holds. Raises as `unpack` does."""
    with _opened(path) as file:
        return _announced(file)


def _opened(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadFrame("not a file")
    return os.fdopen(descriptor, "rb")


def _compress(octets: Octets, spool: Spool) -> None:
    size = octet_count(octets)
    compressor = zstandard.ZstdCompressor(
        level=LEVEL, write_checksum=True, write_content_size=True
    )
    packing = compressor.compressobj(size=size)
    try:
        for chunk in octet_chunks(octets):
            spool.write(packing.compress(chunk))
        spool.write(packing.flush())
    except zstandard.ZstdError as error:
        raise BadFrame(f"a message of {size} octets changed while it was read") from error
    if sum(map(len, _decompressed(_Rereading(spool), size))) != size:
        raise BadFrame("zstd does not give back what it was given")


def _announced(file: BinaryIO) -> int:
    """How many octets the frame says it holds; it must be one of the kind we write."""
    try:
        parameters = zstandard.get_frame_parameters(file.read(_LONGEST_HEADER))
    except zstandard.ZstdError as error:
        raise BadFrame(str(error)) from error
    file.seek(0)
    if parameters.content_size in (zstandard.CONTENTSIZE_UNKNOWN, zstandard.CONTENTSIZE_ERROR):
        raise BadFrame("a frame that does not say how much it holds")
    if parameters.dict_id or not parameters.has_checksum:
        raise BadFrame("a frame of another kind")
    if parameters.window_size > _WINDOW_LIMIT:
        raise BadFrame("a frame that needs too much memory")
    return parameters.content_size


def _most(size: int) -> int:
    """More octets than a frame of so many takes, even where they do not compress."""
    return size + (size >> 7) + 1024


def _check_end(file: BinaryIO) -> None:
    """Walk over the blocks of a frame: it must end where the file does (RFC 8878 3.1.1.2)."""
    place = zstandard.frame_header_size(file.read(_LONGEST_HEADER))
    is_last = False
    while not is_last:
        file.seek(place)
        header = int.from_bytes(file.read(_BLOCK_HEADER), "little")
        is_last = bool(header & 1)
        place += _BLOCK_HEADER + (1 if header >> 1 & 3 == _RLE else header >> 3)
        if place > os.fstat(file.fileno()).st_size:
            raise BadFrame("it ends too early")
    if place + _CHECKSUM != os.fstat(file.fileno()).st_size:
        raise BadFrame("the frame ends elsewhere than the file")
    file.seek(0)


class _Rereading:
    """A temporary file, read from its start. A checksum in it tells that it was whole."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._place = 0

    def read(self, size: int) -> bytes:
        octets = self._spool.read(self._place, size)
        self._place += len(octets)
        return octets


def _decompressed(file: "BinaryIO | _Rereading", size: int) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW_LIMIT)
    left = size
    try:
        # Any object that reads will do, whatever its stub says.
        with decompressor.stream_reader(cast("BinaryIO", file), closefd=False) as reader:
            while chunk := reader.read(CHUNK):
                left -= len(chunk)
                yield chunk
    except zstandard.ZstdError as error:
        raise BadFrame(str(error)) from error
    if left:
        raise BadFrame(f"{size - left} octets instead of {size}")
