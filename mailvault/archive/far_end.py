"""Puts files into a folder that may be another disk, and reads them back before they count."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive.content.page_cache import forget_file
from mailvault.archive.durability import make_files_durable
from mailvault.archive.private import make_folder, open_private
from mailvault.errors import ArchiveDamaged

_CHUNK = 1 << 20
_FILES = 500
_OCTETS = 64 << 20


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A file to copy, and what it is called at the far end."""

    source: Path
    name: str


@dataclass(frozen=True, slots=True)
class _Draft:
    path: Path
    target: Path
    digest: bytes


class FarEnd:
    """The folder. Files appear in it whole, durable and read back, some at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tmp = folder / "tmp"
        make_folder(self._tmp)

    def take(self, files: Iterable[CopiedFile]) -> Iterator[int]:
        """Copy files with their times, in the place of what is there; yield their octets.

        Raises:
            ArchiveDamaged: what was written reads back otherwise.
        """
        drafts: list[_Draft] = []
        sizes: list[int] = []
        for each in files:
            draft, size = self._draft(each, len(drafts))
            drafts.append(draft)
            sizes.append(size)
            if len(drafts) >= _FILES or sum(sizes) >= _OCTETS:
                self._place(drafts)
                yield from sizes
                drafts, sizes = [], []
        self._place(drafts)
        yield from sizes

    def _draft(self, file: CopiedFile, number: int) -> tuple[_Draft, int]:
        path = self._tmp / f"copied-{number}"
        hasher = hashlib.sha256()
        size = 0
        origin = os.open(file.source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        target = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with os.fdopen(origin, "rb") as reading, os.fdopen(target, "wb") as writing:
            status = os.fstat(origin)
            while chunk := reading.read(_CHUNK):
                hasher.update(chunk)
                size += len(chunk)
                writing.write(chunk)
            writing.flush()
            os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))
        return _Draft(path, self._folder / file.name, hasher.digest()), size

    def _place(self, drafts: list[_Draft]) -> None:
        if not drafts:
            return
        make_files_durable([each.path for each in drafts], [self._tmp])
        for each in drafts:
            forget_file(each.path)
            if digest_of_file(each.path) != each.digest:
                raise ArchiveDamaged(
                    f"{each.target}: what was written there reads back otherwise",
                    hint="the disk or the connection to it fails: use another",
                )
        for each in drafts:
            for folder in reversed(each.target.relative_to(self._folder).parents):
                make_folder(self._folder / folder)
            each.path.replace(each.target)
        folders = {each.target.parent for each in drafts}
        above = {folder.parent for folder in folders}
        make_files_durable([each.target for each in drafts], sorted(folders | above))


def digest_of_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
