"""Takes an mbox of any size apart, in memory for a few hundred KiB.

Where a message ends: before the next ``From `` line (see `mail.mbox_lines`), or after as many
octets as its Content-Length says, if a ``From `` line or the end of the file follows there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailvault.mail.headers import HEADER_LIMIT, header_end
from mailvault.mail.mbox_lines import (
    LONGEST_LINE,
    FromLine,
    begins_field,
    is_bare,
    read_from_line,
)
from mailvault.sources.opened_file import CHUNK, OpenedFile

_SEPARATOR = b"\nFrom "
_HELD = 8
"""Octets at the end of the buffer that may turn out to be the end of a message."""

_KEPT = 2
"""Octets before the position: an empty line is seen by them."""

_MOST_BLANK = 4
"""Octets of line ends between a message and the next ``From `` line."""

_FIRST_LOOK = 8192
_FIELD_LINE = 200
_LENGTH = re.compile(
    rb"(?<![^\n])content-length[ \t]*:[ \t]*(\d{1,15})[ \t]*\r?\n", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class MboxMessage:
    """``chunks`` must be taken before the next message. They are quoted as in the file.

    ``has_length``: its Content-Length was right, so that nothing in it needed quoting.
    """

    offset: int
    from_line: FromLine | None
    has_length: bool
    chunks: Iterator[bytes]


class MboxReader:
    """``exactly``: the mbox is mailvault's own, so every ``From `` line is a separator."""

    def __init__(self, file: OpenedFile, *, exactly: bool = False) -> None:
        self._file = file
        self._exactly = exactly
        self._is_as_on_the_wire = False  # the message that is being read
        self._is_undated = False
        self._buffer = b""
        self._at = 0  # where in the buffer
        self._base = 0  # where in the file the buffer begins
        self._is_at_end = False

    def messages(self) -> Iterator[MboxMessage]:
        """Raises SourceError when the file cannot be read any further."""
        if not self._exactly:
            self._skip_blanks()
        is_first = True
        while self._peek(1):
            message = self._begin(is_first=is_first)
            is_first = False
            yield message
            for _ in message.chunks:
                pass

    @property
    def _offset(self) -> int:
        return self._base + self._at

    # The buffer

    def _peek(self, octets: int) -> bool:
        """Have so many octets in the buffer; False if the file ends before."""
        while len(self._buffer) - self._at < octets and not self._is_at_end:
            self._fill()
        return len(self._buffer) - self._at >= octets

    def _fill(self) -> None:
        chunk = self._file.read(CHUNK)
        self._is_at_end = not chunk
        dropped = max(0, self._at - _KEPT)
        self._buffer = self._buffer[dropped:] + chunk
        self._base += dropped
        self._at -= dropped

    def _skip_empty_lines(self) -> None:
        while self._peek(1) and self._buffer[self._at : self._at + 1] in b"\r\n":
            self._at += 1

    def _skip_blanks(self) -> None:
        """Programs leave blanks before the first message; then only a From_ line follows."""
        self._peek(LONGEST_LINE)
        start = self._buffer[self._at : self._at + LONGEST_LINE]
        start = start.removeprefix(b"\xef\xbb\xbf")  # an editor's byte order mark
        text = start.lstrip()
        if not text or text.startswith(b"From "):
            self._at = len(self._buffer[: self._at + LONGEST_LINE]) - len(text)

    def _line(self) -> bytes:
        self._peek(LONGEST_LINE)
        end = self._buffer.find(b"\n", self._at, self._at + LONGEST_LINE)
        return self._buffer[self._at : end + 1] if end >= 0 else self._rest_of_line()

    def _rest_of_line(self) -> bytes:
        return self._buffer[self._at : self._at + LONGEST_LINE] if self._is_at_end else b""

    # Messages

    def _begin(self, *, is_first: bool) -> MboxMessage:
        offset = self._offset
        line = self._line()
        from_line = self._from_line(line) if line.startswith(b"From ") else None
        if from_line is not None:
            if is_first:
                self._is_undated = from_line.date is None and not is_bare(line)
            self._at += len(line)
        self._is_as_on_the_wire = self._line().endswith(b"\r\n")
        length = None if self._exactly else self._true_length()
        chunks = self._up_to_separator() if length is None else self._exactly_octets(length)
        return MboxMessage(offset, from_line, length is not None, chunks)

    def _from_line(self, line: bytes) -> FromLine:
        return read_from_line(line) or FromLine(None)

    def _up_to_separator(self) -> Iterator[bytes]:
        # The line feed of the From_ line counts: a message may have no octets.
        search = max(self._at - 1, 0)
        while True:
            found = self._buffer.find(_SEPARATOR, search)
            if found < 0 and self._is_at_end:
                yield self._last(len(self._buffer))
                return
            if found < 0:
                yield self._take(len(self._buffer) - _HELD)
                self._fill()
                search = max(self._at - 1, 0)
                continue
            is_separator = self._is_separator(found)
            if is_separator is None:  # the line is not there yet
                distance = found - self._at
                self._fill()
                search = self._at + distance
            elif is_separator:
                yield self._last(found + 1)
                return
            else:
                search = found + 1

    def _take(self, end: int) -> bytes:
        taken = self._buffer[self._at : end] if end > self._at else b""
        self._at += len(taken)
        return taken

    def _last(self, end: int) -> bytes:
        """The end of a message, without the empty line that belongs to the mbox."""
        octets = self._take(end)
        if self._exactly:
            return octets.removesuffix(b"\n")
        if octets == b"\r\n" or octets.endswith(b"\n\r\n"):
            return octets[:-2]
        if octets == b"\n" or octets.endswith(b"\n\n"):
            return octets[:-1]
        # A message with lines of the wire does not end in LF: that was added.
        is_added = self._is_as_on_the_wire and not octets.endswith(b"\r\n")
        return octets.removesuffix(b"\n") if is_added else octets

    def _is_separator(self, found: int) -> bool | None:
        """Whether a message ends with the line feed at ``found``; None if more is needed."""
        start = found + 1
        end = self._buffer.find(b"\n", start, start + LONGEST_LINE)
        available = len(self._buffer) - start
        if end < 0 and not self._is_at_end and available < LONGEST_LINE:
            return None
        if self._exactly:
            return True
        line = self._buffer[start : end + 1] if end >= 0 else self._buffer[start:]
        if end < 0 and available >= LONGEST_LINE:
            return False
        if read_from_line(line) is not None:
            return True
        if not (is_bare(line) or self._is_undated) or not self._is_after_empty_line(found):
            return False
        if not self._is_at_end and available < len(line) + _FIELD_LINE:
            return None
        return begins_field(self._buffer[start + len(line) : start + len(line) + _FIELD_LINE])

    def _is_after_empty_line(self, found: int) -> bool:
        before = self._buffer[max(0, found - 2) : found]
        return before.endswith(b"\n") or before == b"\n\r"

    # Content-Length

    def _true_length(self) -> int | None:
        """The octets of the message, if its Content-Length leads to where one ends."""
        head = self._head()
        end = header_end(head)
        match = _LENGTH.search(head, 0, end + 1)
        if match is None or end >= len(head):
            return None
        blank = 3 if head[end : end + 3] == b"\n\r\n" else 2
        if head.startswith((b"\n", b"\r\n")):
            return None
        length = end + blank + int(match[1])
        return length if self._ends_at(length) else None

    def _head(self) -> bytes:
        for limit in (_FIRST_LOOK, HEADER_LIMIT):
            self._peek(limit)
            head = self._buffer[self._at : self._at + limit]
            if header_end(head) < len(head):
                break
        return head

    def _ends_at(self, length: int) -> bool:
        """Whether so many octets further on a message may end."""
        after = self._after(length)
        if after is None:
            return False
        line = after.lstrip(b"\r\n")
        if len(after) - len(line) > _MOST_BLANK:
            return False
        if not line:
            return len(after) <= _MOST_BLANK
        return line.startswith(b"From ") and (
            read_from_line(line[: line.find(b"\n") + 1] or line) is not None
        )

    def _after(self, length: int) -> bytes | None:
        """What follows so many octets further on; None if that is beyond the end."""
        start, limit = self._at + length, LONGEST_LINE + _MOST_BLANK
        if start + limit <= len(self._buffer) or self._is_at_end:
            return None if start > len(self._buffer) else self._buffer[start : start + limit]
        size = self._file.size
        if size is not None and self._offset + length > size:
            return None
        return self._file.look(self._offset + length, limit)

    def _exactly_octets(self, length: int) -> Iterator[bytes]:
        while length > 0 and self._peek(1):
            piece = self._take(min(len(self._buffer), self._at + length))
            length -= len(piece)
            yield piece
        self._skip_empty_lines()
