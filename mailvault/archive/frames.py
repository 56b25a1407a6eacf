"""Zstandard frames one after the other in a file, each with a checksum, read in bounds."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard

MAGIC = zstandard.FRAME_HEADER
FRAME_LIMIT = 256 << 20
_WINDOW_LIMIT = 1 << 27
_LEVEL = 1  # digests do not compress; higher levels only take longer to find that out
_PIECE = 1 << 16
_LONGEST_HEADER = 18  # RFC 8878 3.1.1


@dataclass(frozen=True, slots=True)
class Frame:
    content: bytes
    end: int


class BadFrame(Exception):
    """What stands at ``offset`` is not a whole frame."""

    def __init__(self, offset: int, reason: str, *, is_cut_off: bool) -> None:
        super().__init__(reason)
        self.offset = offset
        self.is_cut_off = is_cut_off


def compress(content: bytes) -> bytes:
    if len(content) > FRAME_LIMIT:
        raise ValueError(f"{len(content)} octets in one group of records")
    compressor = zstandard.ZstdCompressor(
        level=_LEVEL, write_checksum=True, write_content_size=True
    )
    return compressor.compress(content)


def read_frames(path: Path, start: int = 0) -> Iterator[Frame]:
    """Yield the frames from ``start`` on.

    Raises:
        BadFrame: the rest of the file is not what `compress` wrote.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        offset = start
        while offset < size:
            frame = _read_frame(file, offset)
            yield frame
            offset = frame.end


def has_frame_after(path: Path, offset: int) -> bool:
    """Whether a sound frame begins anywhere beyond ``offset``: then it was not the last."""
    return find_frame_after(path, offset) is not None


def find_frame_after(path: Path, offset: int) -> int | None:
    """Where the next sound frame beyond ``offset`` begins."""
    with path.open("rb") as file:
        file.seek(offset + 1)
        rest = file.read(FRAME_LIMIT)
        found = rest.find(MAGIC)
        while found >= 0:
            try:
                _read_frame(file, offset + 1 + found)
            except BadFrame:
                found = rest.find(MAGIC, found + 1)
            else:
                return offset + 1 + found
    return None


def _read_frame(file: BinaryIO, offset: int) -> Frame:
    file.seek(offset)
    piece = file.read(_PIECE)
    _check_header(piece, offset)
    decoder = zstandard.ZstdDecompressor(max_window_size=_WINDOW_LIMIT).decompressobj()
    content: list[bytes] = []
    end = offset
    while piece and not decoder.eof:
        try:
            content.append(decoder.decompress(piece))
        except zstandard.ZstdError as error:
            raise BadFrame(offset, str(error), is_cut_off=False) from error
        end += len(piece)
        piece = file.read(_PIECE)
    if not decoder.eof:
        raise BadFrame(offset, "it ends too early", is_cut_off=True)
    return Frame(b"".join(content), end - len(decoder.unused_data))


def _check_header(start: bytes, offset: int) -> None:
    """A frame must say its size before it is unpacked: RFC 8878 3.1.1.1.4."""
    try:
        parameters = zstandard.get_frame_parameters(start[:_LONGEST_HEADER])
    except zstandard.ZstdError as error:
        is_cut_off = len(start) < _LONGEST_HEADER and MAGIC.startswith(start[: len(MAGIC)])
        raise BadFrame(offset, str(error), is_cut_off=is_cut_off) from error
    if parameters.content_size > FRAME_LIMIT:
        raise BadFrame(offset, "its size is missing or beyond all bounds", is_cut_off=False)
    if not parameters.has_checksum:
        raise BadFrame(offset, "it has no checksum", is_cut_off=False)
