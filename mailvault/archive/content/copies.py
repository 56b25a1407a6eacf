"""Which files of a content store a copy of it lacks. Nothing at the far end is removed."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive.codec import BadFrame, Codec
from mailvault.archive.content.failures import explained_volume
from mailvault.archive.content.pool import Pool
from mailvault.archive.content.proof import proven
from mailvault.archive.content.single_frame import unpack
from mailvault.archive.content.volume import connect, volume_numbers, volume_path
from mailvault.archive.far_end import CopiedFile
from mailvault.archive.private import open_private
from mailvault.errors import ArchiveDamaged

_HINT = "see what it concerns with: mailvault verify; the copy was not changed by it"


@dataclass(frozen=True, slots=True)
class Lacking:
    """A file that the copy lacks, or has in another state."""

    file: CopiedFile
    octets: int


def lacking_mail(content: Path, copy: Path) -> Iterator[Lacking]:
    """What a copy of the store `maildir` lacks. A sound file there stays, whatever is here.

    Raises:
        ArchiveDamaged: a file differs from its copy, and is not the message.
    """
    for shard in sorted(_entries(content)):
        held = _entries(copy / shard)
        for name, status in _entries(content / shard).items():
            digest = Pool(content).digest_of(content / shard / name)
            if digest is None or (name in held and held[name].st_size == status.st_size):
                continue
            path = content / shard / name
            if name in held:
                try:
                    proven(digest, unpack(path, Codec()))
                except (BadFrame, ArchiveDamaged, OSError) as error:
                    raise ArchiveDamaged(f"{path} is damaged: {error}", hint=_HINT) from error
            yield Lacking(CopiedFile(path, f"content/{shard}/{name}"), status.st_size)


def lacking_volumes(content: Path, copy: Path, *, sealed: bool) -> Iterator[Lacking]:
    """The sealed volumes, or the others, that a copy of the store `sqlite` lacks.

    Raises:
        ArchiveDamaged: a volume differs from its copy, and its structure is not sound.
    """
    for number in volume_numbers(content):
        path, target = volume_path(content, number), volume_path(copy, number)
        if is_same_file(path, target) or _is_sealed(path) != sealed:
            continue
        if target.exists():
            _require_sound(path)
        yield Lacking(CopiedFile(path, f"content/{path.name}"), path.stat().st_size)


def is_same_file(path: Path, copy: Path) -> bool:
    """Whether size and time are the same, and no journal of SQLite's holds more."""
    try:
        one, other = path.stat(), copy.stat()
    except FileNotFoundError:
        return False
    has_more = any(path.with_name(path.name + end).exists() for end in ("-wal", "-journal"))
    return not has_more and (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def settled_volume(path: Path, draft: Path) -> Path:
    """A volume that is still being filled, as a file by itself with the volume's time."""
    draft.unlink(missing_ok=True)
    os.close(open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    with explained_volume(path):
        with closing(connect(path, ())) as volume:
            volume.execute("SELECT count(*) FROM volume").fetchone()  # which ends its journal
            with closing(sqlite3.connect(draft)) as copy:
                volume.backup(copy)
        time = path.stat().st_mtime_ns
    os.utime(draft, ns=(time, time))
    return draft


def _is_sealed(path: Path) -> bool:
    with explained_volume(path), closing(connect(path, ("query_only=ON",))) as volume:
        row = volume.execute("SELECT value FROM volume WHERE key = 'sealed'").fetchone()
    return bool(row and row[0])


def _require_sound(path: Path) -> None:
    """Refuse a volume that is cut short, or not sound in its structure."""
    with explained_volume(path), closing(connect(path, ("query_only=ON",))) as volume:
        try:
            (fault,) = volume.execute("PRAGMA integrity_check(1)").fetchone()
            (pages,) = volume.execute("PRAGMA page_count").fetchone()
            (page_size,) = volume.execute("PRAGMA page_size").fetchone()
        except sqlite3.DatabaseError as error:
            fault, pages, page_size = error, 0, 0
    if fault == "ok" and path.stat().st_size != pages * page_size:
        fault = "it does not end where it should"
    if fault != "ok":
        raise ArchiveDamaged(f"{path} is damaged: {fault}", hint=_HINT)


def _entries(folder: Path) -> dict[str, os.stat_result]:
    """What lies in a folder; nothing where there is none."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        return {entry.name: entry.stat(follow_symlinks=False) for entry in entries}
    return {}
