"""Takes base64 parts out of a message and puts them back, octet for octet.

A part is lifted only where encoding it again gives the very same octets, so what is lifted
does not depend on MIME being well formed. Everything here takes linear time, whatever the
message. Messages too big for memory go through `lifting_windows`.
"""

import binascii
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pybase64

MINIMUM = 2048
"""The least number of decoded octets worth lifting."""

MAXIMUM_PARTS = 10_000
"""Parts lifted from one message; the rest of them stays in its text."""

LINE_LIMIT = 8192
"""Longer lines are taken one by one, as parts without line endings."""

HEADER_REACH = 65_536
"""How far behind the word "base64" the blank line is sought that begins the body."""

_LEAST_ENCODED = MINIMUM * 4 // 3
_WORDS = (b"ase64", b"ASE64")  # base64, Base64, BASE64; rarer spellings stay text
_FIRST_CHARACTERS = re.compile(rb"[A-Za-z0-9+/]{4,64}")
_FOREIGN = re.compile(rb"[^A-Za-z0-9+/]")
_LAST_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_LINES_AT_ONCE = 4096
_MOST_HINTS = 100_000  # a message made of nothing but hints must not take minutes


@dataclass(frozen=True, slots=True)
class LineShape:
    """How a part was broken into lines; all but the last have ``length`` characters.

    A length of 0 means one line without an end. The ending of the last line is text.
    """

    length: int
    ending: bytes
    is_padded: bool = True


@dataclass(frozen=True, slots=True)
class LiftedPart:
    """What stood encoded before ``text[offset]``."""

    offset: int
    octets: bytes
    shape: LineShape


@dataclass(frozen=True, slots=True)
class Lifted:
    """A message taken apart."""

    text: bytes
    parts: tuple[LiftedPart, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """``window[start:end]`` decoded; an open one may go on where the window ends."""

    start: int
    end: int
    octets: bytes
    shape: LineShape
    is_open: bool = False


def lift(octets: bytes) -> Lifted:
    """Take the base64 parts out of a message."""
    gaps: list[bytes] = []
    parts: list[LiftedPart] = []
    offset = position = 0
    for piece in find_pieces(octets):
        gaps.append(octets[position : piece.start])
        offset += len(gaps[-1])
        parts.append(LiftedPart(offset, piece.octets, piece.shape))
        position = piece.end
        if len(parts) == MAXIMUM_PARTS:
            break
    if not parts:
        return Lifted(octets, ())
    gaps.append(octets[position:])
    return Lifted(b"".join(gaps), tuple(parts))


def rebuild(lifted: Lifted) -> bytes:
    """Give back the message that `lift` took apart."""
    pieces: list[bytes] = []
    position = 0
    for part in lifted.parts:
        pieces.append(lifted.text[position : part.offset])
        pieces.extend(encode_part([part.octets], part.shape))
        position = part.offset
    pieces.append(lifted.text[position:])
    return b"".join(pieces)


def encode_part(chunks: Iterable[bytes], shape: LineShape) -> Iterator[bytes]:
    """Encode a part's octets into the lines they came from."""
    unit = 3 * (shape.length or 1)  # whole lines, and no padding between chunks
    carry = ending = b""
    for chunk in chunks:
        octets = carry + chunk if carry else chunk
        whole = len(octets) - len(octets) % unit
        carry = octets[whole:]
        if whole:
            yield ending + _encode_lines(octets[:whole], shape)
            ending = shape.ending
    if carry:
        yield ending + _encode_lines(carry, shape)


def _encode_lines(octets: bytes, shape: LineShape) -> bytes:
    encoded = pybase64.b64encode(octets)
    if not shape.is_padded:
        encoded = encoded.rstrip(b"=")
    if not shape.length:
        return encoded
    starts = range(0, len(encoded), shape.length)
    return shape.ending.join([encoded[start : start + shape.length] for start in starts])


def find_pieces(
    window: bytes, start: int = 0, hints_end: int | None = None, *, is_last: bool = True
) -> Iterator[Piece]:
    """Find the parts announced in ``window[start:hints_end]``, in order.

    Unless the window is the message's last one, its final piece may be open.
    """
    end = len(window)
    yield from _Search(window, is_last).pieces(
        start, end if hints_end is None else hints_end, end, _WORDS
    )


@dataclass(frozen=True, slots=True)
class _Search:
    window: bytes
    is_last: bool

    def pieces(
        self, start: int, hints_end: int, end: int, words: tuple[bytes, ...]
    ) -> Iterator[Piece]:
        """Search for the first word; for the other words only in the gaps it leaves."""
        if not words or start >= hints_end:
            return
        for piece in self._announced(start, hints_end, end, words[0]):
            yield from self.pieces(start, piece.start, piece.start, words[1:])
            yield piece
            start = piece.end
        yield from self.pieces(start, hints_end, end, words[1:])

    def _announced(self, start: int, hints_end: int, end: int, word: bytes) -> Iterator[Piece]:
        """Yield the parts between ``start`` and ``end`` whose header names the word."""
        position = start
        for _ in range(_MOST_HINTS):
            hint = self.window.find(word, position, hints_end)
            if hint == -1:
                return
            body = _after_blank_line(self.window, hint)
            if body is None:
                position = hint + HEADER_REACH
                continue
            if body >= end:
                return
            position = body
            piece = exact_piece(self.window, body, is_last=self.is_last)
            if piece is not None and len(piece.octets) >= MINIMUM and piece.end <= end:
                yield piece
                position = piece.end


def _after_blank_line(window: bytes, hint: int) -> int | None:
    """The end of the header block around ``hint``, judged by the hint's own line ending."""
    reach = min(len(window), hint + HEADER_REACH)
    line_end = window.find(b"\n", hint, reach)
    if line_end == -1:
        return None
    blank = b"\n\r\n" if window[line_end - 1] == 13 else b"\n\n"
    found = window.find(blank, line_end, reach)
    return None if found == -1 else found + len(blank)


def exact_piece(
    window: bytes, start: int, *, is_last: bool, shape: LineShape | None = None
) -> Piece | None:
    """Decode the longest exact run of base64 at ``start``; ``shape`` goes on with a part."""
    if _FIRST_CHARACTERS.match(window, start) is None:
        return None
    if shape is None:
        shape = _shape_at(window, start)
    if shape.length:
        return _lines_piece(window, start, shape, is_last)
    return _endless_piece(window, start, is_last)


def _shape_at(window: bytes, start: int) -> LineShape:
    line_end = window.find(b"\n", start, start + LINE_LIMIT)
    if line_end == -1:
        return LineShape(0, b"")
    ending = b"\r\n" if window[line_end - 1] == 13 else b"\n"
    return LineShape(line_end + 1 - len(ending) - start, ending)


def _endless_piece(window: bytes, start: int, is_last: bool) -> Piece | None:
    line_end = window.find(b"\n", start)
    is_open = line_end == -1 and not is_last
    end = len(window) if line_end == -1 else line_end
    if window[end - 1] == 13:
        end -= 1
    if is_open:
        end -= (end - start) % 4
    compact = window[start:end]
    decoded = _decode_exactly(compact)
    if decoded is None:
        end = start + _aligned(_exact_length(compact), 1)
        decoded, is_open = _decode_exactly(window[start:end]), False
    if decoded is None:
        return None
    octets, is_padded = decoded
    is_open = is_open and not compact.endswith(b"=")
    return Piece(start, end, octets, LineShape(0, b"", is_padded), is_open)


def _lines_piece(window: bytes, start: int, shape: LineShape, is_last: bool) -> Piece | None:
    stride = shape.length + len(shape.ending)
    count = _full_lines(window, start, shape)
    lines_end = start + count * stride
    is_open = not is_last and lines_end + stride > len(window)
    if is_open:
        count = _aligned(count * shape.length, shape.length) // shape.length
        lines_end = start + count * stride
        last_line = b""
    else:
        last_line = _last_line(window, lines_end, shape.length)
    compact = _compact(window, start, lines_end, shape) + last_line
    decoded = _decode_exactly(compact)
    if decoded is not None:
        is_open = is_open and not compact.endswith(b"=")
        end = lines_end + len(last_line)
        if not is_open and not last_line:
            end -= len(shape.ending)
    else:
        length = _aligned(min(_exact_length(compact), count * shape.length), shape.length)
        decoded, is_open = _decode_exactly(compact[:length]), False
        end = start + length // shape.length * stride - len(shape.ending)
    if decoded is None or end <= start:
        return None
    octets, is_padded = decoded
    return Piece(start, end, octets, LineShape(shape.length, shape.ending, is_padded), is_open)


def _full_lines(window: bytes, start: int, shape: LineShape) -> int:
    """Count the lines at ``start`` that end where lines of this shape must end."""
    stride = shape.length + len(shape.ending)
    total = (len(window) - start) // stride
    count, block = 0, 8
    while count < total:
        block = min(total - count, 4 * block, _LINES_AT_ONCE)
        first = start + count * stride + shape.length
        last = start + (count + block) * stride
        exact = min(
            _leading(window[first + place : last : stride], shape.ending[place : place + 1])
            for place in range(len(shape.ending))
        )
        count += exact
        if exact < block:
            break
    return count


def _leading(column: bytes, octet: bytes) -> int:
    return len(column) - len(column.lstrip(octet))


def _last_line(window: bytes, start: int, length: int) -> bytes:
    """The short line that ends a part, without its ending; empty if there is none."""
    line_end = window.find(b"\n", start, start + length + 2)
    end = len(window) if line_end == -1 else line_end
    if end > start and window[end - 1] == 13:
        end -= 1
    if not 0 < end - start <= length:
        return b""
    line = window[start:end]
    return line if _LAST_LINE.fullmatch(line) else b""


def _compact(window: bytes, start: int, end: int, shape: LineShape) -> bytes:
    """The characters of whole lines without their endings."""
    lines = window[start:end]
    stride = shape.length + len(shape.ending)
    compact = lines.replace(b"\n", b"")
    if shape.ending == b"\r\n":
        compact = compact.replace(b"\r", b"")  # two passes of memchr beat one for the pair
    if len(compact) == len(lines) // stride * shape.length:
        return compact
    starts = range(0, len(lines), stride)
    return b"".join([lines[at : at + shape.length] for at in starts])


def _decode_exactly(compact: bytes) -> tuple[bytes, bool] | None:
    """The octets and whether they are padded; None unless encoding them gives this back."""
    lacking = -len(compact) % 4
    try:
        octets = pybase64.b64decode(compact + b"=" * lacking, validate=True)
    except binascii.Error:
        return None
    encoded = pybase64.b64encode(octets)
    if lacking:
        encoded = encoded.rstrip(b"=")
    return (octets, not lacking) if encoded == compact else None


def _exact_length(compact: bytes) -> int:
    foreign = _FOREIGN.search(compact)
    return len(compact) if foreign is None else foreign.start()


def _aligned(length: int, line: int) -> int:
    """Cut ``length`` characters down to whole lines that decode without padding."""
    return length - length % math.lcm(line, 4)
