"""Takes base64 parts out of a message that is too big for memory, window by window."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from mailvault.mail.lifting import (
    HEADER_REACH,
    MAXIMUM_PARTS,
    LineShape,
    Piece,
    exact_piece,
    find_pieces,
)

WINDOW = 4 << 20
"""Octets looked at together."""

# A header block and enough of its body to know the shape of its lines.
_MARGIN = 2 * HEADER_REACH
_LONGEST_WORD = 8


@dataclass(frozen=True, slots=True)
class TextRun:
    """Octets that stay in the text."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class PartRun:
    """The next decoded octets of a part."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The part is complete, and this is how it was broken into lines."""

    shape: LineShape


Run: TypeAlias = TextRun | PartRun | PartEnd


class WindowLifter:
    """Fed a message in chunks, yields its text and its parts in order."""

    def __init__(self, window: int = WINDOW) -> None:
        self._size = max(window, 2 * _MARGIN)
        self._chunks: list[bytes] = []
        self._held = 0
        self._open: LineShape | None = None
        self._parts = 0

    def feed(self, chunk: bytes) -> Iterator[Run]:
        """Take the next octets of the message."""
        self._chunks.append(chunk)
        self._held += len(chunk)
        if self._held >= self._size:
            yield from self._advance(is_last=False)

    def finish(self) -> Iterator[Run]:
        """Yield what is left after the message's last octets."""
        yield from self._advance(is_last=True)

    def _advance(self, *, is_last: bool) -> Iterator[Run]:
        window = b"".join(self._chunks)
        position = 0
        if self._open is not None:
            piece = exact_piece(window, 0, is_last=is_last, shape=self._open)
            if piece is None:
                yield PartEnd(self._open)
                if self._open.ending:  # it ended the last line, so it is text after all
                    yield TextRun(self._open.ending)
                self._open = None
            else:
                yield from self._take(piece)
                position = piece.end
        hints_end = len(window) if is_last else max(position, len(window) - _MARGIN)
        for piece in self._pieces(window, position, hints_end, is_last):
            if piece.start > position:
                yield TextRun(window[position : piece.start])
            self._parts += 1
            yield from self._take(piece)
            position = piece.end
        text_end = position if self._open is not None else max(position, hints_end)
        if text_end > position:
            yield TextRun(window[position:text_end])
        self._chunks = [window[text_end:]]
        self._held = len(window) - text_end

    def _pieces(
        self, window: bytes, start: int, hints_end: int, is_last: bool
    ) -> Iterator[Piece]:
        if self._open is not None:
            return
        hints_end = min(len(window), hints_end + _LONGEST_WORD)
        for piece in find_pieces(window, start, hints_end, is_last=is_last):
            if self._parts >= MAXIMUM_PARTS:
                return
            yield piece

    def _take(self, piece: Piece) -> Iterator[Run]:
        yield PartRun(piece.octets)
        if piece.is_open:
            self._open = piece.shape
        else:
            self._open = None
            yield PartEnd(piece.shape)
