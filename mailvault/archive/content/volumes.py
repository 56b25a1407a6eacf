"""All volumes of an archive: where an object is looked for, the newest volume first."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mailvault.archive.content.digest_filter import DIGEST_SIZE
from mailvault.archive.content.open_volumes import OpenVolumes
from mailvault.archive.content.packs import PackCache
from mailvault.archive.content.page_cache import evict
from mailvault.archive.content.volume import Extent, Volume, volume_numbers, volume_path
from mailvault.errors import ArchiveDamaged, ArchiveError, MessageMissing

Place = tuple[Volume, list[Extent]]
"""The volume that holds an object, and its frames there."""


class Volumes:
    """The volumes in a folder. Any thread may ask; one thread announces new ones."""

    def __init__(self, folder: Path, archive_id: str) -> None:
        self.folder = folder
        self._archive_id = archive_id
        self._cache = PackCache()
        self._open_volumes = OpenVolumes()
        self._superseded: set[bytes] | None = None
        self._found_last: Volume | None = None
        self._volumes: tuple[Volume, ...] = ()
        self._volumes = tuple(self.volume(number) for number in volume_numbers(folder))

    def volume(self, number: int) -> Volume:
        """A volume by its number; one that is new is not looked at before it is added."""
        for volume in self._volumes:
            if volume.number == number:
                return volume
        path = volume_path(self.folder, number)
        return Volume(path, self._archive_id, self._cache, self._open_volumes)

    def add(self, volume: Volume) -> None:
        """Look at a volume from now on."""
        if volume not in self._volumes:
            self._volumes = tuple(sorted((*self._volumes, volume), key=lambda e: e.number))
        self._superseded = None

    def __iter__(self) -> Iterator[Volume]:
        """Oldest first."""
        return iter(self._volumes)

    def newest(self) -> Volume | None:
        return self._volumes[-1] if self._volumes else None

    def find(self, digest: bytes) -> Place | None:
        """Where an object lies. Raises ArchiveDamaged if that cannot be known."""
        damage: ArchiveDamaged | None = None
        for volume in self._likely_first(digest):
            try:
                extents = volume.find(digest)
            except ArchiveDamaged as error:
                damage = error
                continue
            if extents:
                self._found_last = volume
                return volume, extents
        if damage is None and self._volumes:
            damage = self._missing()
        if damage is not None:
            raise damage
        return None

    def copies(self, digest: bytes) -> list[Place]:
        """Every copy of an object, the newest first; what cannot be asked is left out."""
        found: list[Place] = []
        for volume in reversed(self._volumes):
            with suppress(ArchiveError):
                extents = volume.find(digest)
                found += [(volume, extents)] if extents else []
        return found

    def _likely_first(self, digest: bytes) -> Iterator[Volume]:
        """The volume of the object found last, as neighbours are asked for together; then
        the newest first, whose copy is the sound one where there are two.
        """
        likely = self._found_last
        if likely is not None and len(self._volumes) > 1:
            superseded = self._superseded
            if superseded is None:
                superseded = self._superseded = self._all_superseded()
            if digest not in superseded:
                yield likely
        yield from reversed(self._volumes)

    def _all_superseded(self) -> set[bytes]:
        superseded: set[bytes] = set()
        for volume in self._volumes:
            try:
                superseded.update(_split(volume.superseded()))
            except ArchiveError:
                continue  # then nothing else can be read from it either
        return superseded

    def require(self, digest: bytes) -> Place:
        """Where an object lies. Raises MessageMissing if it is nowhere."""
        place = self.find(digest)
        if place is None:
            raise MessageMissing(f"the archive holds no message {digest.hex()}")
        return place

    def missing_numbers(self) -> list[int]:
        """Volumes that were there, as there are later ones."""
        present = {volume.number for volume in self._volumes}
        return [number for number in range(1, max(present, default=0)) if number not in present]

    def _missing(self) -> ArchiveDamaged | None:
        lacking = self.missing_numbers()
        if not lacking:
            return None
        return ArchiveDamaged(
            f"{volume_path(self.folder, lacking[0])} is missing",
            hint="put it back from a copy of the archive, or heal with: mailvault repair",
        )

    def digests(self) -> Iterator[bytes]:
        """Every object once, in the order of the disk; volumes beyond reading are left out."""
        superseded: set[bytes] = set()
        for volume in reversed(self._volumes):
            try:
                held, replaced = volume.digests(), volume.superseded()
            except ArchiveError:
                continue  # `check` reports the volume; what it held is missing
            yield from (digest for digest in _split(held) if digest not in superseded)
            superseded.update(_split(replaced))

    def all_digests(self) -> bytes:
        """The digests of all volumes, one after the other."""
        return b"".join(self.digests())

    def forget(self) -> None:
        """Drop all that is cached of the volumes, so that they are read from the disk."""
        self._cache.clear()
        for volume in self._volumes:
            volume.forget()
        evict([volume.path for volume in self._volumes])

    def close(self) -> None:
        for volume in self._volumes:
            volume.disconnect()


def _split(digests: bytes) -> Iterator[bytes]:
    for at in range(0, len(digests), DIGEST_SIZE):
        yield digests[at : at + DIGEST_SIZE]
