"""Copies an archive to another folder, incrementally and so that no moment is a broken one.

Content first, then the journal, then the catalog: what lies at the far end is always what
some state of the archive refers to, and more. A first copy becomes an archive with its very
last step. Nothing at the far end is ever removed, whatever became of the archive.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from mailvault.archive import dialect, unfinished
from mailvault.archive.archive import Archive
from mailvault.archive.content.copies import (
    Lacking,
    lacking_mail,
    lacking_volumes,
    settled_volume,
)
from mailvault.archive.far_end import CopiedFile, FarEnd
from mailvault.archive.identity import has_identity, require_identity, write_identity
from mailvault.archive.journal import Journal
from mailvault.archive.layout import Layout, journal_folder, tmp_folder
from mailvault.archive.lock import WriteLock
from mailvault.archive.places import becoming_archive, claim_folder
from mailvault.archive.private import explained, sync_folder
from mailvault.archive.served.opening import require_fitting
from mailvault.errors import ArchiveDamaged, DestinationError, NoSpace
from mailvault.ports import Clock

log = logging.getLogger(__name__)

Told: TypeAlias = Callable[[int], None]
"""Told of the octets of every file that is copied."""


@dataclass(slots=True)
class Copied:
    """What was copied; the rest was there."""

    files: int = 0
    octets: int = 0
    told: Told = field(default=lambda _: None)

    def note(self, octets: int) -> None:
        self.files += 1
        self.octets += octets
        self.told(octets)


def copy_archive(
    path: Path, target: Path, *, clock: Clock, wait: float, copied: Copied
) -> None:
    """Bring the copy at ``target`` level with the archive, or make it.

    Most is copied while others may write to the archive; it is locked for the rest, after
    waiting so many seconds for that.

    Raises:
        DestinationError: the folder is something else, or a copy that has changes of its own.
        ArchiveLocked: the archive or the copy is in use.
    """
    with explained(path):
        layout = Layout(path, require_identity(path))
        unfinished.refuse_within(target, path)
    with becoming_archive(target):
        _claim(layout, target)
    with ExitStack() as resources, explained(target):
        resources.enter_context(WriteLock.acquire(target, clock=clock))
        unfinished.mark_as_copy(target)
        far_end = FarEnd(target)
        if layout.identity.store == "maildir":
            require_fitting(tmp_folder(target))
        _require_same_history(layout, target)
        _recover_catalog(target)
        _take(far_end, _lacking(layout, target), copied)
        with _held(path, clock, wait) as archive:
            _finish(archive, layout, far_end, target, copied)
    with Archive.open(target, writing=True, clock=clock):
        pass  # which brings its Maildirs level, where it has any


def _claim(layout: Layout, target: Path) -> None:
    """Make sure that the folder is, or may become, a copy of this archive."""
    claim_folder(target)
    if not has_identity(target):
        what = unfinished.Unfinished("copy", layout.identity.id, layout.identity.store)
        unfinished.begin(target, what)
        return
    there = require_identity(target)
    if there.id != layout.identity.id:
        raise DestinationError(
            f"{target} holds another archive", hint="choose a folder of its own for the copy"
        )
    if there.store != layout.identity.store:
        raise DestinationError(
            f"{target} holds this archive with its store {there.store}",
            hint="choose a folder of its own for the copy",
        )


@contextmanager
def _held(path: Path, clock: Clock, wait: float) -> Iterator[Archive]:
    """The archive, so that nobody else changes it; where nobody can, just to read it."""
    with ExitStack() as resources:
        try:
            archive = Archive.open(path, writing=_is_writable(path), clock=clock, wait=wait)
        except NoSpace:  # somebody may copy it for that; the copy catches up by itself
            resources.enter_context(WriteLock.acquire(path, clock=clock, wait=wait))
            archive = Archive.open(path, writing=False, clock=clock)
        yield resources.enter_context(archive)


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK)


def _lacking(layout: Layout, target: Path) -> Iterator[Lacking]:
    if layout.identity.store == "maildir":
        return lacking_mail(layout.content, target / "content")
    return lacking_volumes(layout.content, target / "content", sealed=True)


def _take(far_end: FarEnd, lacking: Iterator[Lacking], copied: Copied) -> None:
    for octets in far_end.take(each.file for each in lacking):
        copied.note(octets)


def _finish(
    archive: Archive, layout: Layout, far_end: FarEnd, target: Path, copied: Copied
) -> None:
    """Copy what is left, while nobody changes it, in the order that keeps the copy whole."""
    _take(far_end, _lacking(layout, target), copied)
    if layout.identity.store == "sqlite":
        _take_open_volumes(layout, far_end, target, copied)
    _take_journal(layout, far_end, target, copied)
    draft = tmp_folder(target) / layout.catalog.name
    dialect.remove_database(draft)
    archive.catalog.back_up(draft)
    draft.replace(target / layout.catalog.name)
    sync_folder(target)
    if not has_identity(target):
        write_identity(target, layout.identity)
    unfinished.end(target)


def _take_open_volumes(layout: Layout, far_end: FarEnd, target: Path, copied: Copied) -> None:
    """The volume that is being filled is copied as a whole: pages of it change anywhere."""
    for each in lacking_volumes(layout.content, target / "content", sealed=False):
        with _settled(each.file.source, layout.tmp, tmp_folder(target)) as draft:
            for octets in far_end.take([CopiedFile(draft, each.file.name)]):
                copied.note(octets)


@contextmanager
def _settled(volume: Path, near: Path, far: Path) -> Iterator[Path]:
    """The volume as a file by itself, for a while; far away where there is no room near."""
    with ExitStack() as resources:

        def settle(folder: Path | None) -> Path:
            with explained(folder or volume):
                own = resources.enter_context(TemporaryDirectory(dir=folder))
            return settled_volume(volume, Path(own, volume.name))

        try:
            draft = settle(near if _is_writable(near) else None)
        except NoSpace:
            draft = settle(far)
        yield draft


def _take_journal(layout: Layout, far_end: FarEnd, target: Path, copied: Copied) -> None:
    _require_same_history(layout, target)
    held = {path.name: path for _, path in _journal_files(layout, target)}
    lacking = [
        CopiedFile(path, f"journal/{path.name}")
        for _, path in layout.journal.files()
        if path.name not in held or held[path.name].stat().st_size != path.stat().st_size
    ]
    for octets in far_end.take(lacking):
        copied.note(octets)


def _require_same_history(layout: Layout, target: Path) -> None:
    """Whatever the copy's journal holds, the archive's begins with it."""
    ours = dict(layout.journal.files())
    for number, path in _journal_files(layout, target):
        if number not in ours or not _continues(ours[number], path):
            raise DestinationError(
                f"{path} is not how the archive's own journal begins",
                hint="it was written to by itself, or is damaged: copy to another folder",
            )


def _journal_files(layout: Layout, target: Path) -> list[tuple[int, Path]]:
    return Journal(journal_folder(target), layout.identity.id).files()


def _continues(path: Path, copy: Path) -> bool:
    """Whether a file begins with all that its copy holds."""
    with path.open("rb") as whole, copy.open("rb") as start:
        while chunk := start.read(1 << 20):
            if whole.read(len(chunk)) != chunk:
                return False
    return True


def _recover_catalog(target: Path) -> None:
    """Have SQLite end what was left of a catalog, before another takes its place."""
    path = target / "catalog.db"
    if dialect.is_absent(path):
        return
    try:
        dialect.recover(path)
    except ArchiveDamaged as error:
        log.warning("%s: it will be replaced", error)
        dialect.remove_database(path)
