"""The attachments of a message, read from its outline: names, types, decoded sizes.

What counts: a leaf whose disposition is ``attachment``, or that bears a file name, or that is
neither text nor inline. A message within a message counts too, and so do its own attachments.
Containers do not count, nor nameless machinery such as ``message/delivery-status``.

Tolerant and linear: one pass over the lines that begin with ``--``, no recursion, never an
error. Boundaries that never come and parts that never end are taken as they are.
"""

import binascii
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from mailvault.mail.headers import HEADER_LIMIT, header_end
from mailvault.mail.outline import Outline
from mailvault.mail.parameters import split_field

DEPTH_LIMIT = 64
PART_LIMIT = 1000

_FIELD = re.compile(
    rb"\ncontent-(type|disposition|transfer-encoding)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*+)",
    re.IGNORECASE,
)
# A header without this is that of plain text, whatever else it says.
_MIME = re.compile(
    rb"\ncontent-(?:disposition|type[ \t]*:(?:\s*(?!text/)\S|[^\n]*(?:\n[ \t][^\n]*)*?name))",
    re.IGNORECASE,
)
_BLANK_OR_DASHES = re.compile(rb"\n(?:\r?\n|--([^\n]*))")
_DASHES = re.compile(rb"\n--([^\n]*)")
_TYPE = re.compile(r"[^/]+/[^/]+")
_NOT_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
)

_MESSAGES = frozenset({"message/rfc822", "message/global", "message/news"})


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a message. ``size`` is that of its decoded octets."""

    name: str | None
    content_type: str
    size: int


def attachments(outline: Outline) -> list[Attachment]:
    """List the attachments of a message in their order. Never raises."""
    text = outline.text
    if _MIME.search(text, 0, header_end(text)) or text[:8].lower() == b"content-":
        return _Walk(outline).attachments()
    return []


@dataclass(slots=True)
class _Part:
    """A part whose end has not been seen yet."""

    content_type: str
    disposition: str
    encoding: str
    name: str | None
    boundary: bytes
    body: int
    slot: int | None = None  # where it goes in the list of attachments

    @property
    def is_message(self) -> bool:
        return self.content_type in _MESSAGES and not self.is_encoded

    @property
    def is_encoded(self) -> bool:
        return self.encoding in {"base64", "quoted-printable"}

    @property
    def is_attachment(self) -> bool:
        if self.content_type.startswith("multipart/"):
            return False
        if self.disposition == "attachment" or self.name:
            return True
        if self.content_type.startswith(("text/", "message/")):
            return self.content_type in _MESSAGES
        return self.disposition != "inline"


class _Walk:
    """One pass over a message. A position is that of the line feed before a line."""

    def __init__(self, outline: Outline) -> None:
        self._text = b"\n" + outline.text
        self._hole_offsets = [hole.offset + 1 for hole in outline.holes]
        self._hole_sizes = [hole.size for hole in outline.holes]
        self._found: list[Attachment | None] = []
        self._open: list[_Part] = []
        self._levels: dict[bytes, list[int]] = {}  # of the boundaries that are awaited

    def attachments(self) -> list[Attachment]:
        position: int | None = 0
        last = 0
        parts = 0
        while position is not None and parts < PART_LIMIT:
            last = position
            position = self._read_part(position)
            parts += 1
        self._close(0, len(self._text) if position is None else last)
        return [attachment for attachment in self._found if attachment is not None]

    def _read_part(self, start: int) -> int | None:
        """Read the header after ``start``; return where the next part begins, if any."""
        end, body = self._header(start)
        part = self._part(start, end, body)
        if part.is_attachment:
            part.slot = len(self._found)
            self._found.append(None)
        is_leaf = len(self._open) >= DEPTH_LIMIT
        if part.boundary and not is_leaf:
            self._levels.setdefault(part.boundary, []).append(len(self._open))
        self._open.append(part)
        if part.is_message and not is_leaf and body < len(self._text):
            return body
        return self._next_part(body)

    def _header(self, start: int) -> tuple[int, int]:
        """Where the header ends, and the position before its body's first line."""
        for line in _BLANK_OR_DASHES.finditer(self._text, start):
            if line[1] is None:
                return line.start(), line.end() - 1
            if self._awaited(line[1]):
                return line.start(), line.start()
        return len(self._text), len(self._text)

    def _part(self, start: int, end: int, body: int) -> _Part:
        fields: dict[bytes, bytes] = {}
        for name, value in _FIELD.findall(self._text, start, min(end, start + HEADER_LIMIT)):
            fields.setdefault(name.lower(), value)
        content_type, parameters = split_field(fields.get(b"type", b""))
        if not _TYPE.fullmatch(content_type):
            content_type = self._default_type()
        disposition, more = split_field(fields.get(b"disposition", b""))
        encoding, _ = split_field(fields.get(b"transfer-encoding", b""))
        boundary = ""
        if content_type.startswith("multipart/"):
            boundary = parameters.get("boundary", "")
        name = more.get("filename") or parameters.get("name")
        return _Part(content_type, disposition, encoding, name or None, boundary.encode(), body)

    def _default_type(self) -> str:
        # RFC 2046 5.1.5: in a digest, a part is a message unless it says otherwise.
        if self._open and self._open[-1].content_type == "multipart/digest":
            return "message/rfc822"
        return "text/plain"

    def _awaited(self, dashes: bytes) -> tuple[int, bool] | None:
        """The level a ``--`` line belongs to, and whether it ends it."""
        line = dashes.rstrip()
        if line in self._levels:
            return self._levels[line][-1], False
        if line.endswith(b"--") and line[:-2] in self._levels:
            return self._levels[line[:-2]][-1], True
        return None

    def _next_part(self, position: int) -> int | None:
        while self._levels:
            line = _DASHES.search(self._text, position)
            if line is None:
                return None
            position = line.end()
            if awaited := self._awaited(line[1]):
                level, is_last = awaited
                self._close(level if is_last else level + 1, line.start())
                if not is_last:
                    return position
        return None

    def _close(self, level: int, end: int) -> None:
        """End every part that is open at ``level`` or deeper."""
        while len(self._open) > level:
            part = self._open.pop()
            levels = self._levels.get(part.boundary)
            if levels and levels[-1] == len(self._open):
                levels.pop()
                if not levels:
                    del self._levels[part.boundary]
            if part.slot is not None:
                size = self._size(part, end)
                self._found[part.slot] = Attachment(part.name, part.content_type, size)

    def _size(self, part: _Part, end: int) -> int:
        start = part.body + 1
        if self._text[end - 1 : end] == b"\r":  # the line break belongs to the delimiter
            end -= 1
        first = bisect_left(self._hole_offsets, start)
        last = bisect_right(self._hole_offsets, max(start, end))
        lifted = sum(self._hole_sizes[first:last])
        if not part.is_encoded:
            return lifted + max(0, end - start)
        return lifted + _decoded_size(part.encoding, self._text[start:end])


def _decoded_size(encoding: str, text: bytes) -> int:
    if encoding == "base64":
        return len(text.translate(None, _NOT_BASE64)) * 3 // 4
    return len(binascii.a2b_qp(text))
