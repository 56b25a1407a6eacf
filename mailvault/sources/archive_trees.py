"""Zip and tar files as trees to import from; nothing of them is ever written to disk.

A compressed tar can only be read forwards. Its mailboxes are therefore walked in the order in
which they stand in it.
"""

import struct
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self, cast

from mailvault.errors import SourceError
from mailvault.sources.file_tree import Directory, Listing, TreePath, member_path
from mailvault.sources.opened_file import (
    CHUNK,
    DiskFile,
    OpenedFile,
    Section,
    instant,
    reading,
)
from mailvault.sources.unpacking import BOMB_FLOOR, BOMB_RATIO, unpacked

ZIP_MAGIC = b"PK\x03\x04"
_TAR_MAGIC = b"ustar"
_TAR_MAGIC_AT = 257
_LINK_DEPTH = 8
_EXTENDED_TIME = 0x5455
_NO_DATE = (1980, 1, 1, 0, 0, 0)


def is_tar(start: bytes) -> bool:
    """Whether (unpacked) octets begin a tar file, by POSIX.1 or GNU."""
    return start[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC)


class ZipTree:
    """A zip. Each member can be read by itself."""

    is_archive = True
    is_single = is_streamed = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = path.name
        self._directory = Directory()
        self._members: dict[TreePath, zipfile.ZipInfo] = {}
        with reading(path):
            self._zip = zipfile.ZipFile(path)
        for info in self._zip.infolist():
            self._add(info)

    def _add(self, info: zipfile.ZipInfo) -> None:
        path = member_path(_zip_name(info))
        if not path:
            return
        if info.is_dir():
            self._directory.add_folder(path)
        elif info.flag_bits & 0x1:
            self._directory.add_odd(path, "encrypted; unpack it with its password first")
        elif (info.external_attr >> 28) == 0xA:  # S_IFLNK, as Info-ZIP keeps it
            self._directory.add_odd(path, "a symbolic link")
        else:
            self._directory.add_file(path)
            self._members[path] = info

    def list(self, path: TreePath) -> Listing:
        return self._directory.list(path).sort()

    def open(self, path: TreePath) -> OpenedFile:
        info = self._members.get(path)
        if info is None:
            raise SourceError(f"{self.where(path)} is not there")
        with reading(self.where(path)):
            return _ZipMember(_opened(self._zip, info), info, self.where(path))

    def where(self, path: TreePath) -> str:
        return "/".join((str(self._path), *path))

    def damage(self) -> None:
        return

    def close(self) -> None:
        self._zip.close()


def _opened(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> zipfile.ZipExtFile:
    return cast("zipfile.ZipExtFile", archive.open(info))  # what open() gives to read from


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Names not marked as UTF-8 often are it all the same."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _unix_time(extra: bytes) -> int | None:
    """The time to the second that Info-ZIP keeps in a field of its own (APPNOTE 4.6)."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _EXTENDED_TIME and len(field) >= 5 and field[0] & 1:
            seconds: int = struct.unpack_from("<l", field, 1)[0]
            return seconds
    return None


class _ZipMember:
    """Implements `OpenedFile`; zipfile checks the CRC at the end."""

    def __init__(self, stream: zipfile.ZipExtFile, info: zipfile.ZipInfo, where: str) -> None:
        self._stream = stream
        self._info = info
        self._where = where
        self._at = 0
        self.size = info.file_size

    @property
    def modified(self) -> datetime | None:
        seconds = _unix_time(self._info.extra)
        if seconds is not None or self._info.date_time == _NO_DATE:
            return None if seconds is None else instant(seconds)
        try:
            # Local time of whoever made the zip; nobody knows where that was.
            return datetime(*self._info.date_time, tzinfo=UTC)
        except ValueError:
            return None

    def read(self, limit: int) -> bytes:
        with reading(self._where):
            # Not read(): that gives nothing of what stands before damage.
            octets = self._stream.read1(min(limit, CHUNK))
        self._at += len(octets)
        if self._at > BOMB_FLOOR + BOMB_RATIO * self._info.compress_size:
            raise SourceError(f"{self._where} unpacks to far more than mail ever does")
        return octets

    def seek(self, offset: int) -> None:
        if offset != self._at:
            with reading(self._where):
                self._at = self._stream.seek(offset)

    def look(self, offset: int, limit: int) -> None:  # noqa: ARG002 - never cheap here
        return

    def is_unchanged(self) -> bool:
        return True

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class TarTree:
    """A tar, plain or compressed. Hard links in it are the files they stand for."""

    is_archive = True
    is_single = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = path.name
        self._directory = Directory()
        self._members: dict[TreePath, tuple[int, int, float]] = {}
        self._links: dict[TreePath, TreePath] = {}
        self._damage: str | None = None
        self._file = unpacked(DiskFile(path, follow=True), path)
        self.is_streamed = self._file.size is None
        self._index()
        self._file.seek(0)

    def _index(self) -> None:
        """Note where each member lies. A tar that breaks off is read as far as it goes."""
        # tarfile wants no more of a file than read().
        stream = cast("IO[bytes]", _ReadAll(self._file))
        try:
            with reading(self._path), tarfile.open(fileobj=stream, mode="r|") as tar:
                while (info := tar.next()) is not None:
                    self._add(info)
                    tar.members = []  # type: ignore[attr-defined]  # else it keeps them all
        except SourceError as error:
            self._damage = str(error)
        for path, target in self._links.items():
            self._resolve(path, target)

    def _add(self, info: tarfile.TarInfo) -> None:
        path = member_path(info.name)
        if not path:
            return
        if info.isdir():
            self._directory.add_folder(path)
        elif info.isreg() and not info.issparse():
            self._directory.add_file(path)
            self._members[path] = (info.offset_data, info.size, info.mtime)
        elif info.islnk():
            self._links[path] = member_path(info.linkname)
        elif info.issym():
            self._directory.add_odd(path, "a symbolic link")
        elif info.isreg():
            self._directory.add_odd(path, "a sparse file, which is not understood")

    def _resolve(self, path: TreePath, target: TreePath) -> None:
        for _ in range(_LINK_DEPTH):
            if target in self._members:
                self._directory.add_file(path)
                self._members[path] = self._members[target]
                return
            target = self._links.get(target, ())
        self._directory.add_odd(path, "a link to a file that the tar does not hold")

    def list(self, path: TreePath) -> Listing:
        return self._directory.list(path)

    def open(self, path: TreePath) -> OpenedFile:
        if path not in self._members:
            raise SourceError(f"{self.where(path)} is not there")
        offset, size, modified = self._members[path]
        return Section(self._file, offset, size, instant(modified))

    def where(self, path: TreePath) -> str:
        return "/".join((str(self._path), *path))

    def damage(self) -> str | None:
        return self._damage

    def close(self) -> None:
        self._file.close()


class _ReadAll:
    """A file of which ``read`` gives all that was asked for, as tarfile takes for granted."""

    def __init__(self, file: OpenedFile) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        pieces = []
        while size > 0 and (piece := self._file.read(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)
