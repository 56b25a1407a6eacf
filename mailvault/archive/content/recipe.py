"""How a message is stored without its lifted parts: a header, then the text.

The header is a count and, for every hole, the octets of text since the hole before, the
size and line length of the part, its flags and its digest.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailvault.mail.lifting import LINE_LIMIT, MAXIMUM_PARTS, LineShape, encode_part

_COUNT = struct.Struct("<I")
_HOLE = struct.Struct("<QQIB32s")
_LF = 1
_UNPADDED = 2


class BadRecipe(Exception):
    """A recipe is not one that was written."""


@dataclass(frozen=True, slots=True)
class RecipeHole:
    """A part that stood ``gap`` octets of text after the one before."""

    gap: int
    size: int
    shape: LineShape
    digest: bytes


def header_size(count: int) -> int:
    return _COUNT.size + count * _HOLE.size


def encode_header(holes: Iterable[RecipeHole]) -> bytes:
    packed = [
        _HOLE.pack(hole.gap, hole.size, hole.shape.length, _flags(hole.shape), hole.digest)
        for hole in holes
    ]
    return _COUNT.pack(len(packed)) + b"".join(packed)


def _flags(shape: LineShape) -> int:
    return (_LF if shape.ending == b"\n" else 0) | (0 if shape.is_padded else _UNPADDED)


def _shape(length: int, flags: int) -> LineShape:
    ending = b"\n" if flags & _LF else b"\r\n"
    return LineShape(length, ending if length else b"", not flags & _UNPADDED)


class RecipeReader:
    """Reads a recipe from its frames: the holes first, then the text between them."""

    def __init__(self, frames: Iterable[bytes]) -> None:
        self._frames = iter(frames)
        self._held = b""
        (count,) = _COUNT.unpack(self._take(_COUNT.size))
        if count > MAXIMUM_PARTS:
            raise BadRecipe(f"it claims {count} parts")
        self.holes = [self._hole() for _ in range(count)]

    def text(self, size: int | None = None) -> Iterator[bytes]:
        """Yield the next octets of text, or all that are left."""
        while size is None or size > 0:
            if not self._held:
                self._held = next(self._frames, b"")
            if not self._held:
                if size is not None:
                    raise BadRecipe("its text is too short")
                return
            chunk = self._held if size is None else self._held[:size]
            self._held = self._held[len(chunk) :]
            if size is not None:
                size -= len(chunk)
            yield chunk

    def _take(self, size: int) -> bytes:
        return b"".join(self.text(size))

    def _hole(self) -> RecipeHole:
        gap, size, length, flags, digest = _HOLE.unpack(self._take(_HOLE.size))
        if length > LINE_LIMIT:
            raise BadRecipe(f"it claims lines of {length} characters")
        return RecipeHole(gap, size, _shape(length, flags), digest)


def encoded(hole: RecipeHole, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The part as it stood in the message."""
    return encode_part(chunks, hole.shape)
