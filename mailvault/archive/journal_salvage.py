"""Reads what can be read of a broken journal: every sound group, in its order.

A group says its number and the hash of all before it, so that what is missing between two
groups is known, even where files were swapped or cut.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive import journal_format
from mailvault.archive.frames import BadFrame, Frame, find_frame_after, read_frames
from mailvault.archive.journal import Journal, archive_id_of
from mailvault.errors import ArchiveTooNew
from mailvault.mail.changes import Record

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gap:
    """Groups that are lost: the first one, and how many."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class SavedGroup:
    """The records of one group."""

    sequence: int
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a sound group lies."""

    path: Path
    offset: int


def saved_groups(journal: Journal, archive_id: str) -> Iterator[SavedGroup | Gap]:
    """Yield every sound group once, in ascending order, and the gaps between them.

    Raises:
        ArchiveTooNew: a later release wrote some of them.
    """
    places: dict[int, _Place] = {}
    for _, path in journal.files():
        if archive_id_of(path) not in (None, archive_id):
            log.warning("%s belongs to another archive", path)
            continue
        for frame, offset in _sound_frames(path):
            sequence = _sequence(frame, archive_id)
            if sequence is not None:
                places.setdefault(sequence, _Place(path, offset))
    expected = 1
    for sequence in sorted(places):
        if sequence > expected:
            yield Gap(expected, sequence - expected)
        yield SavedGroup(sequence, _read(places[sequence]))
        expected = sequence + 1


def _sound_frames(path: Path) -> Iterator[tuple[Frame, int]]:
    """Every frame that is whole, and where it begins."""
    start: int | None = 0
    while start is not None:
        try:
            for frame in read_frames(path, start):
                yield frame, start
                start = frame.end
            return
        except (BadFrame, OSError) as bad:
            log.warning("%s at octet %d: %s", path, start, bad)
            start = find_frame_after(path, start) if isinstance(bad, BadFrame) else None


def _sequence(frame: Frame, archive_id: str) -> int | None:
    """The number of a group of this archive; None for what is none."""
    lines = frame.content.splitlines()
    try:
        seal = json.loads(lines[-1])
        first = json.loads(lines[0])
        if seal[0] != "seal" or (first[0] == "journal" and first[2] != archive_id):
            return None
        return int(seal[1])
    except (ValueError, IndexError, TypeError, KeyError):
        return None


def _read(place: _Place) -> tuple[Record, ...]:
    frame = next(read_frames(place.path, place.offset))
    lines = frame.content.splitlines(keepends=True)[:-1]
    if lines and lines[0].startswith(b'["journal"'):
        lines.pop(0)
    try:
        return tuple(map(journal_format.decode, lines))
    except ValueError as error:
        raise ArchiveTooNew(
            f"{place.path} holds what this release cannot read: {error}",
            hint="install a newer mailvault",
        ) from error
