"""Gives back the room of what nobody needs any more, a volume at a time."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive.content.rewriting import clear, rewrite, seal
from mailvault.archive.content.volume import Volume
from mailvault.archive.content.volumes import Volumes
from mailvault.archive.journal_mode import JournalMode
from mailvault.errors import ArchiveDamaged
from mailvault.ports import Waste

log = logging.getLogger(__name__)

DEAD_SHARE = 3
"""One in so many octets of a volume must be dead before it is made anew."""


@dataclass(frozen=True, slots=True)
class _VolumeWaste:
    """What of a volume's frames is dead, in octets."""

    volume: Volume
    objects: int
    dead: int
    held: int

    @property
    def is_worth_it(self) -> bool:
        return self.dead > 0 and self.dead * DEAD_SHARE >= self.held


def measure(volumes: Volumes, dead: set[bytes]) -> Waste:
    """What dead objects take, and what `reclaim` would give back."""
    wastes = list(_wastes(volumes, dead))
    return Waste(
        objects=sum(each.objects for each in wastes),
        octets=sum(each.dead for each in wastes),
        reclaimable=sum(each.dead for each in wastes if each.is_worth_it),
    )


def reclaim(
    volumes: Volumes,
    dead: set[bytes],
    *,
    journal: JournalMode,
    tmp: Path,
) -> int:
    """Make every volume anew of which a third is dead; return the octets that saves."""
    clear(tmp)
    saved = 0
    for waste in list(_wastes(volumes, dead)):
        if not waste.is_worth_it:
            continue
        try:
            seal(waste.volume, journal)
            octets = rewrite(waste.volume, dead, tmp)
        except ArchiveDamaged as error:
            log.warning("%s stays as it is: %s", waste.volume.path, error)
            continue
        log.info("%s: %d octets less", waste.volume.path, octets)
        saved += max(0, octets)
    return saved


def _wastes(volumes: Volumes, dead: set[bytes]) -> Iterator[_VolumeWaste]:
    for volume in volumes if dead else ():
        objects = octets = held = 0
        try:
            for digest, part, length in volume.rows("SELECT digest, part, length FROM object"):
                assert isinstance(length, int), "a forged index"
                held += length
                if digest in dead:
                    objects += part == 0
                    octets += length
        except ArchiveDamaged as error:
            log.warning("%s stays as it is: %s", volume.path, error)
            continue
        yield _VolumeWaste(volume, objects, octets, held)
