"""Looks for damage to the structure of volumes, without reading what lies in their packs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive.codec import FRAME_LIMIT, LONGEST_FRAME, BadFrame
from mailvault.archive.content.packs import PackCache
from mailvault.archive.content.volume import (
    RAW,
    RECIPE,
    Volume,
    volume_numbers,
    volume_path,
)
from mailvault.archive.content.volumes import Volumes
from mailvault.errors import ArchiveError
from mailvault.mail.model import Digest

_OUT_OF_BOUNDS = """
SELECT digest, part, object.pack, pack.id IS NULL FROM object LEFT JOIN pack ON pack.id = pack
WHERE pack.id IS NULL
   OR offset < 0 OR object.length < 1 OR offset + object.length > length(pack.frames)
   OR size < 0 OR size > ? OR object.length > ?
   OR kind NOT IN (?, ?)
"""
_BOUNDS = (FRAME_LIMIT, LONGEST_FRAME, RAW, RECIPE)
_GAPS = """
SELECT digest FROM object GROUP BY digest HAVING min(part) <> 0 OR max(part) <> count(*) - 1
"""
_WITHOUT_DICTIONARY = """
SELECT digest FROM object WHERE dictionary IS NOT NULL
AND dictionary NOT IN (SELECT id FROM dictionary)
"""


@dataclass(frozen=True, slots=True)
class ContentFinding:
    """One thing that is wrong with stored content."""

    kind: str
    digest: Digest | None
    detail: str


def inspect(volumes: Volumes) -> Iterator[ContentFinding]:
    """Look at every volume, the oldest first."""
    for number in volumes.missing_numbers():
        path = volume_path(volumes.folder, number)
        yield ContentFinding("volume-missing", None, f"{path} is missing")
    for volume in volumes:
        try:
            yield from inspect_volume(volume)
        except ArchiveError as error:
            yield ContentFinding("volume-damaged", None, str(error))


def inspect_volume(volume: Volume) -> Iterator[ContentFinding]:
    """Look at one volume."""
    for fault in volume.structure_faults():
        yield ContentFinding("volume-damaged", None, f"{volume.path}: {fault}")
    for digest, part, pack, is_missing in volume.rows(_OUT_OF_BOUNDS, _BOUNDS):
        what = "a pack that is missing" if is_missing else "octets beyond all bounds"
        detail = f"{volume.path}: part {part} points to {what} ({pack})"
        yield ContentFinding("object-damaged", _digest(digest), detail)
    for (digest,) in volume.rows(_GAPS):
        detail = f"{volume.path}: a part is missing"
        yield ContentFinding("object-damaged", _digest(digest), detail)
    for (digest,) in volume.rows(_WITHOUT_DICTIONARY):
        detail = f"{volume.path}: its dictionary is missing"
        yield ContentFinding("object-damaged", _digest(digest), detail)
    for (number,) in volume.rows("SELECT id FROM dictionary"):
        yield from _inspect_dictionary(volume, number)


def _inspect_dictionary(volume: Volume, number: object) -> Iterator[ContentFinding]:
    try:
        assert isinstance(number, int), "an INTEGER PRIMARY KEY"
        volume.dictionary(number)
    except BadFrame as error:
        yield ContentFinding("dictionary-damaged", None, f"{volume.path}: {error}")


def _digest(value: object) -> Digest | None:
    return Digest(value) if isinstance(value, bytes) else None


def archive_ids(folder: Path) -> Iterator[str]:
    """To which archive each volume of a folder says it belongs."""
    for number in volume_numbers(folder):
        volume = Volume(volume_path(folder, number), "", PackCache(), is_believed=True)
        try:
            value = volume.values().get("archive")
        except ArchiveError:
            continue
        finally:
            volume.disconnect()
        if isinstance(value, str):
            yield value
