"""A zip whose directory is missing, as of a download that broke off: read from the front.

Every member has a header of its own before it (APPNOTE 4.3.7). Where that does not say how
long the member is, its deflate stream does, which has an end.
"""

# ruff: noqa: ARG002 - what `OpenedFile` asks and only a plain file can do
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mailvault.errors import SourceError
from mailvault.sources.file_tree import Directory, Listing, TreePath, member_path
from mailvault.sources.opened_file import CHUNK, Borrowed, DiskFile, OpenedFile, reading
from mailvault.sources.unpacking import BOMB_FLOOR, BOMB_RATIO

_HEADER = struct.Struct("<4s5H3L2H")
_MAGIC = b"PK\x03\x04"
_DESCRIPTOR = b"PK\x07\x08"
_ENCRYPTED, _STREAMED, _UTF8 = 0x1, 0x8, 0x800
_STORED, _DEFLATED = 0, 8
_ZIP64 = 0xFFFFFFFF
_LONGEST_DESCRIPTOR = 24


@dataclass(frozen=True, slots=True)
class _Member:
    path: TreePath
    flags: int
    method: int
    offset: int
    packed: int | None
    """Octets; None where only the end of its stream tells."""


class BrokenZipTree:
    """Implements `Tree` over what can be found of a zip."""

    is_archive = True
    is_single = is_streamed = False

    def __init__(self, path: Path, reason: str) -> None:
        self._path = path
        self._reason = reason
        self.name = path.name
        self._directory = Directory()
        self._members: dict[TreePath, _Member] = {}
        self._file = DiskFile(path, follow=True)
        self._index()

    def _index(self) -> None:
        """Go from header to header, as far as they are there."""
        offset: int | None = 0
        while offset is not None and (member := self._member_at(offset)) is not None:
            self._add(member)
            offset = self._end_of(member)

    def _member_at(self, offset: int) -> _Member | None:
        header = self._file.look(offset, _HEADER.size)
        if len(header) < _HEADER.size or not header.startswith(_MAGIC):
            return None
        fields = _HEADER.unpack(header)
        flags, method, packed, size, name_length, extra_length = (
            fields[2], fields[3], fields[7], fields[8], fields[9], fields[10]
        )  # fmt: skip
        start = offset + _HEADER.size
        name = self._file.look(start, name_length).decode("utf-8", "surrogateescape")
        extra = self._file.look(start + name_length, extra_length)
        if packed == _ZIP64:
            packed = _zip64_length(extra, is_second=size == _ZIP64)
        is_unknown = flags & _STREAMED and not packed
        return _Member(
            () if name.endswith("/") else member_path(name),
            flags,
            method,
            start + name_length + extra_length,
            None if is_unknown else packed,
        )

    def _add(self, member: _Member) -> None:
        if not member.path:  # a folder
            return
        if member.flags & _ENCRYPTED:
            reason = "encrypted; unpack it with its password first"
            self._directory.add_odd(member.path, reason)
        elif member.method in (_STORED, _DEFLATED):
            self._directory.add_file(member.path)
            self._members[member.path] = member
        else:
            self._directory.add_odd(member.path, "packed in a way that is not understood")

    def _end_of(self, member: _Member) -> int | None:
        """Where the next header begins; None if nobody can tell."""
        if member.packed is not None:
            end = member.offset + member.packed
            return self._after_descriptor(end) if member.flags & _STREAMED else end
        if member.method != _DEFLATED:
            return None
        stream = _Stream(self._file, member, self.where(member.path))
        try:
            while stream.read(CHUNK):
                pass
        except SourceError:
            return None
        return self._after_descriptor(stream.end)

    def _after_descriptor(self, end: int) -> int | None:
        """It is 12 to 24 octets long, and does not say how many."""
        found = self._file.look(end, _LONGEST_DESCRIPTOR + len(_MAGIC)).find(_MAGIC)
        return end + found if found >= 0 else None

    def list(self, path: TreePath) -> Listing:
        return self._directory.list(path).sort()

    def open(self, path: TreePath) -> OpenedFile:
        if path not in self._members:
            raise SourceError(f"{self.where(path)} is not there")
        return _Stream(self._file, self._members[path], self.where(path))

    def where(self, path: TreePath) -> str:
        return "/".join((str(self._path), *path))

    def damage(self) -> str:
        return self._reason

    def close(self) -> None:
        self._file.close()


def _zip64_length(extra: bytes, *, is_second: bool) -> int:
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == 1 and len(field) >= (16 if is_second else 8):
            length: int = struct.unpack_from("<Q", field, 8 if is_second else 0)[0]
            return length
    return _ZIP64


class _Stream(Borrowed):
    """Implements `OpenedFile` over a member, from its own offset in the zip."""

    size: int | None = None
    modified: datetime | None = None

    def __init__(self, file: DiskFile, member: _Member, where: str) -> None:
        super().__init__(file)
        self._zip = file
        self._member = member
        self._where = where
        self._begin()

    def _begin(self) -> None:
        self._offset = self._member.offset
        self._at = 0
        self._rest = b""
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def end(self) -> int:
        """Where the stream has ended."""
        return self._offset - len(self._rest)

    def read(self, limit: int) -> bytes:
        with reading(self._where):
            is_plain = self._member.method == _STORED
            octets = self._packed(limit) if is_plain else self._inflated(min(limit, CHUNK))
        self._at += len(octets)
        if self._at > BOMB_FLOOR + BOMB_RATIO * (self._offset - self._member.offset):
            raise SourceError(f"{self._where} unpacks to far more than mail ever does")
        return octets

    def _packed(self, limit: int) -> bytes:
        if self._member.packed is not None:
            limit = min(limit, self._member.offset + self._member.packed - self._offset)
            if limit <= 0:
                return b""
        octets = self._zip.look(self._offset, limit)
        self._offset += len(octets)
        if not octets:
            raise EOFError("the zip ends in the middle of it")
        return octets

    def _inflated(self, limit: int) -> bytes:
        while not self._inflate.eof:
            packed = self._rest or self._zip.look(self._offset, CHUNK)
            if not self._rest:
                self._offset += len(packed)
            if not packed:
                raise EOFError("the zip ends in the middle of it")
            octets = self._inflate.decompress(packed, limit)
            self._rest = self._inflate.unused_data or self._inflate.unconsumed_tail
            if octets:
                return octets
        return b""

    def seek(self, offset: int) -> None:
        if offset < self._at:
            self._begin()
        while self._at < offset:
            if not self.read(min(CHUNK, offset - self._at)):
                raise SourceError(f"{self._where} ends too early")

    def look(self, offset: int, limit: int) -> bytes | None:
        """Nothing: going there and back would unpack it all again."""
        return None
