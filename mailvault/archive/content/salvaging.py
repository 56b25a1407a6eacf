"""Makes broken volumes whole again from what can be read of them."""

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from mailvault.archive.codec import BadFrame, Codec
from mailvault.archive.content.inspection import inspect_volume
from mailvault.archive.content.packs import PackCache
from mailvault.archive.content.rewriting import (
    StoredFrame,
    clear,
    draft_path,
    stored_frames,
    write,
)
from mailvault.archive.content.volume import Volume
from mailvault.archive.content.volumes import Volumes
from mailvault.archive.private import explained, make_folder, sync_folder
from mailvault.errors import ArchiveDamaged, ArchiveError

log = logging.getLogger(__name__)

_HOPELESS = 600
"""Stretches of the index in a row that cannot be read: there is none left."""

_SIDECARS = ("-journal", "-wal", "-shm")


def salvage(volumes: Volumes, codec: Codec, *, tmp: Path, set_aside: Path) -> Iterator[str]:
    """Replace every broken volume; say what was done."""
    clear(tmp)
    for number in volumes.missing_numbers():
        volume = volumes.volume(number)
        _put(volume, _draft(volume, [], tmp))
        volumes.add(volume)
        clear(tmp)
        yield f"{volume.path} was missing; an empty one takes its place"
    for volume in list(volumes):
        reason = _flaw(volume)
        if reason is not None:
            saved = _save(volume, codec, tmp, set_aside)
            yield (
                f"{volume.path} was broken ({reason}); {saved} objects were saved of it, "
                f"and the old file is in {set_aside}"
            )


def _save(volume: Volume, codec: Codec, tmp: Path, set_aside: Path) -> int:
    source = Volume(volume.path, volume.archive_id, PackCache(), is_believed=True)
    try:
        frames = sorted(_readable(source, codec), key=_place)
        draft = _draft(source, frames, tmp)
    finally:
        source.disconnect()
    volume.disconnect()
    with explained(volume.path):
        _keep(volume.path, set_aside)
    _put(volume, draft)
    clear(tmp)
    return sum(1 for frame in frames if frame.part == 0)


def _draft(source: Volume, frames: list[StoredFrame], tmp: Path) -> Path:
    draft = draft_path(source, tmp)
    write(source, draft, frames)
    return draft


def _put(volume: Volume, draft: Path) -> None:
    with explained(volume.path):
        make_folder(volume.path.parent)
        volume.replace_file(draft)
        sync_folder(volume.path.parent)


def _flaw(volume: Volume) -> str | None:
    try:
        finding = next(iter(inspect_volume(volume)), None)
    except ArchiveDamaged as error:
        return str(error)
    return None if finding is None else finding.detail


def _keep(path: Path, set_aside: Path) -> None:
    """Keep a broken file, which stays where it is too: a kill must not make it missing.

    What SQLite left beside it goes, for it must not be taken for the new file's.
    """
    make_folder(set_aside)
    kept = set_aside / path.name
    if path.is_dir() and not path.is_symlink():
        path.replace(kept)
    else:
        try:
            os.link(path, kept, follow_symlinks=False)
        except OSError:  # not every file system has links
            shutil.copy2(path, kept, follow_symlinks=False)
    for suffix in _SIDECARS:
        each = path.with_name(path.name + suffix)
        if each.is_symlink() or each.exists():
            each.replace(set_aside / each.name)
    sync_folder(set_aside)
    sync_folder(path.parent)


def _place(frame: StoredFrame) -> tuple[int, int]:
    return frame.extent.pack, frame.extent.offset


def _readable(volume: Volume, codec: Codec) -> Iterator[StoredFrame]:
    """The objects of which every frame is sound, as far as the index can be read."""
    for frames in _objects(volume):
        numbers = [frame.part for frame in frames]
        if numbers == list(range(len(frames))) and all(
            _is_sound(volume, codec, frame) for frame in frames
        ):
            yield from frames


def _objects(volume: Volume) -> Iterator[list[StoredFrame]]:
    """The index, a stretch of it at a time: one broken page must not hide the others."""
    failures = 0
    for first in range(256):
        stretch = _stretch(volume, bytes([first]))
        if stretch is not None:
            yield from _grouped(stretch)
            continue
        for second in range(256):
            stretch = _stretch(volume, bytes([first, second]))
            failures = 0 if stretch is not None else failures + 1
            if failures > _HOPELESS:
                return
            yield from _grouped(stretch or [])


def _stretch(volume: Volume, prefix: bytes) -> list[StoredFrame] | None:
    low, high = prefix.ljust(32, b"\0"), prefix.ljust(32, b"\xff")
    where = "WHERE digest BETWEEN ? AND ? ORDER BY digest, part"
    try:
        return list(stored_frames(volume, where, (low, high)))
    except ArchiveError as error:
        log.debug("%s: %s", volume.path, error)
        return None


def _grouped(frames: list[StoredFrame]) -> Iterator[list[StoredFrame]]:
    group: list[StoredFrame] = []
    for frame in frames:
        if group and group[0].digest != frame.digest:
            yield group
            group = []
        group.append(frame)
    if group:
        yield group


def _is_sound(volume: Volume, codec: Codec, frame: StoredFrame) -> bool:
    extent = frame.extent
    try:
        number = extent.dictionary
        dictionary = None if number is None else volume.dictionary(number)
        codec.decompress(volume.frame(extent), extent.size, dictionary)
    except (BadFrame, ArchiveDamaged):
        return False
    return True
