"""The records of a zip file (PKWARE's APPNOTE.TXT 6.3.10), with zip64 where sizes need it.

Only what an export writes: deflated files, folders, names in UTF-8, and dates to the second
in the extended timestamp (UT) and NTFS extra fields.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DEFLATED = 8
STORED = 0

_UTF8_NAMES = 0x800
_UNIX = 3
_ZIP64 = 0xFFFFFFFF
_ZIP64_COUNT = 0xFFFF
_FILE_MODE = 0o100600
_FOLDER_MODE = 0o040700
_IS_FOLDER = 0x10
_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_1601 = -11_644_473_600  # seconds: the NTFS epoch
_FIRST_DOS_DATE = 1 << 5 | 1  # 1 January 1980


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """A file in a zip file, or a folder if its name ends with a slash.

    ``at`` is where its local header begins, ``mtime`` seconds since 1970. ``is_big`` keeps
    room for 64-bit sizes in the local header, where they are not known before.
    """

    name: str
    at: int
    mtime: int | None = None
    crc: int = 0
    packed: int = 0
    size: int = 0
    is_big: bool = False

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


def local_header(entry: ZipEntry) -> bytes:
    """4.3.7. Its length does not depend on the sizes, so it can be filled in later."""
    name = entry.name.encode()
    extra = _dates(entry)
    packed, size = entry.packed, entry.size
    if entry.is_big:
        extra = struct.pack("<HHQQ", 1, 16, size, packed) + extra
        packed = size = _ZIP64
    return (
        struct.pack(
            "<4s5H3L2H",
            b"PK\3\4",
            45 if entry.is_big else 20,
            _UTF8_NAMES,
            _method(entry),
            *_dos_time(entry.mtime),
            entry.crc,
            packed,
            size,
            len(name),
            len(extra),
        )
        + name
        + extra
    )


def central_header(entry: ZipEntry) -> bytes:
    """4.3.12."""
    name = entry.name.encode()
    large = [value for value in (entry.size, entry.packed, entry.at) if value >= _ZIP64]
    extra = struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    extra += _dates(entry)
    mode = _FOLDER_MODE if entry.is_folder else _FILE_MODE
    return (
        struct.pack(
            "<4s6H3L5H2L",
            b"PK\1\2",
            _UNIX << 8 | 45,
            45 if large or entry.is_big else 20,
            _UTF8_NAMES,
            _method(entry),
            *_dos_time(entry.mtime),
            entry.crc,
            min(entry.packed, _ZIP64),
            min(entry.size, _ZIP64),
            len(name),
            len(extra),
            0,
            0,
            0,
            mode << 16 | (_IS_FOLDER if entry.is_folder else 0),
            min(entry.at, _ZIP64),
        )
        + name
        + extra
    )


def end_of_directory(count: int, size: int, at: int) -> bytes:
    """4.3.14 to 4.3.16: where the central directory lies."""
    end64 = b""
    if count >= _ZIP64_COUNT or size >= _ZIP64 or at >= _ZIP64:
        record = struct.pack(
            "<4sQ2H2L4Q", b"PK\6\6", 44, _UNIX << 8 | 45, 45, 0, 0, count, count, size, at
        )
        end64 = record + struct.pack("<4sLQL", b"PK\6\7", 0, at + size, 1)
    few = min(count, _ZIP64_COUNT)
    return end64 + struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, few, few, min(size, _ZIP64), min(at, _ZIP64), 0
    )


def _method(entry: ZipEntry) -> int:
    return STORED if entry.is_folder else DEFLATED


def _dates(entry: ZipEntry) -> bytes:
    """The date in the forms of Info-ZIP and of Windows; DOS knows only every other second."""
    seconds, extra = entry.mtime, b""
    if seconds is None:
        return extra
    if 0 <= seconds < 1 << 31:
        extra += struct.pack("<HHBl", 0x5455, 5, 1, seconds)
    if seconds >= _1601:
        instant = (seconds - _1601) * 10_000_000
        extra += struct.pack("<HHLHHQQQ", 0x000A, 32, 0, 1, 24, instant, instant, instant)
    return extra


def _dos_time(seconds: int | None) -> tuple[int, int]:
    """Time and date (4.4.6), in UTC."""
    if seconds is None:
        return 0, _FIRST_DOS_DATE
    at = _1970 + timedelta(seconds=seconds)
    if not 1980 <= at.year <= 2107:
        return 0, _FIRST_DOS_DATE
    return (
        at.hour << 11 | at.minute << 5 | at.second // 2,
        (at.year - 1980) << 9 | at.month << 5 | at.day,
    )
