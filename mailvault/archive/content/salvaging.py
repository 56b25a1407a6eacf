"""Makes broken volumes whole again from what can be read of them."""

import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path

from mailvault.archive.codec import BadFrame, Codec
from mailvault.archive.content.broken_volume import BrokenVolume, with_first_page
from mailvault.archive.content.digest_filter import DIGEST_SIZE
from mailvault.archive.content.inspection import inspect_volume
from mailvault.archive.content.rewriting import (
    StoredFrame,
    clear,
    draft_path,
    stored_frames,
    write,
)
from mailvault.archive.content.volume import RAW, RECIPE, Volume
from mailvault.archive.content.volumes import Volumes
from mailvault.archive.private import explained, make_folder, sync_folder
from mailvault.errors import ArchiveDamaged, ArchiveError

log = logging.getLogger(__name__)

_PROBES = 600
"""Stretches from all over an index that are tried where nothing else of it can be read."""

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
    draft, saved = _best_draft(volume, codec, tmp)
    volume.disconnect()
    with explained(volume.path):
        _keep(volume.path, set_aside)
    _put(volume, draft)
    clear(tmp)
    return saved


def _best_draft(volume: Volume, codec: Codec, tmp: Path) -> tuple[Path, int]:
    """What is left of a volume, or of one with a sound first page: whatever is more."""
    source = BrokenVolume(volume.path, volume.archive_id)
    with ExitStack() as resources:
        resources.callback(source.disconnect)
        mended = resources.enter_context(with_first_page(volume, tmp))
        frames = sorted(_readable(source, codec), key=_place)
        others = [] if mended is None else sorted(_readable(mended, codec), key=_place)
        if mended is not None and len(others) > len(frames):
            source, frames = mended, others
        return _draft(source, frames, tmp), sum(1 for frame in frames if frame.part == 0)


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
    seen: set[bytes] = set()
    for frames in _objects(volume):
        digest = frames[0].digest
        if digest in seen or len(digest) != DIGEST_SIZE:
            continue
        # Damage may have renumbered the one frame that most objects have: its digest decides.
        frames = [replace(frames[0], part=0)] if len(frames) == 1 else frames
        numbers = [frame.part for frame in frames]
        if numbers == list(range(len(frames))) and all(
            _is_sound(volume, codec, frame) for frame in frames
        ):
            seen.add(digest)
            yield from frames


def _objects(volume: Volume) -> Iterator[list[StoredFrame]]:
    """The index from end to end; a stretch at a time where it breaks off.

    Whoever goes from end to end finds what a wrong digest hides from whoever looks it up.
    One broken page must not hide the others.
    """
    try:
        yield from _grouped(stored_frames(volume, "ORDER BY digest, part"))
    except ArchiveError as error:
        log.debug("%s: %s", volume.path, error)
        yield from _by_stretches(volume)


def _by_stretches(volume: Volume) -> Iterator[list[StoredFrame]]:
    is_hopeless: bool | None = None
    for first in range(256):
        stretch = _stretch(volume, bytes([first]))
        if stretch is None and is_hopeless is None:
            is_hopeless = _is_hopeless(volume)
        if stretch is not None:
            yield from _grouped(stretch)
        elif not is_hopeless:
            yield from _grouped(_pieces(volume, first))


def _is_hopeless(volume: Volume) -> bool:
    """Whether not one stretch can be read: then 65,536 of them need not be tried."""
    longer = ((n * (1 << 16) // _PROBES).to_bytes(2) for n in range(_PROBES))
    prefixes = chain((bytes([first]) for first in range(256)), longer)
    return all(_stretch(volume, prefix) is None for prefix in prefixes)


def _pieces(volume: Volume, first: int) -> Iterator[StoredFrame]:
    for second in range(256):
        prefix = bytes([first, second])
        stretch = _stretch(volume, prefix)
        yield from _steps(volume, prefix) if stretch is None else stretch


def _steps(volume: Volume, prefix: bytes) -> Iterator[StoredFrame]:
    """A stretch row by row, up to the one that cannot be read."""
    low, high = _bounds(prefix)
    last: tuple[bytes, int] = (low, -1)
    where = "WHERE (digest, part) > (?, ?) AND digest <= ? ORDER BY digest, part LIMIT 1"
    while True:
        try:
            row = next(iter(stored_frames(volume, where, (*last, high))), None)
        except ArchiveError as error:
            log.debug("%s: %s", volume.path, error)
            return
        if row is None or (row.digest, row.part) <= last:
            return
        last = (row.digest, row.part)
        yield row


def _stretch(volume: Volume, prefix: bytes) -> list[StoredFrame] | None:
    where = "WHERE digest BETWEEN ? AND ? ORDER BY digest, part"
    try:
        return list(stored_frames(volume, where, _bounds(prefix)))
    except ArchiveError as error:
        log.debug("%s: %s", volume.path, error)
        return None


def _bounds(prefix: bytes) -> tuple[bytes, bytes]:
    return prefix.ljust(DIGEST_SIZE, b"\0"), prefix.ljust(DIGEST_SIZE, b"\xff")


def _grouped(frames: Iterable[StoredFrame]) -> Iterator[list[StoredFrame]]:
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
    if extent.kind not in (RAW, RECIPE):
        return False
    try:
        number = extent.dictionary
        dictionary = None if number is None else volume.dictionary(number)
        codec.decompress(volume.frame(extent), extent.size, dictionary)
    except (BadFrame, ArchiveDamaged):
        return False
    return True
