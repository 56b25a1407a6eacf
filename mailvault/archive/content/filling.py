"""Fills volumes with packs, and begins the next volume when one is full."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive.codec import FRAME_LIMIT, Dictionary
from mailvault.archive.content.packs import PACK_SIZE
from mailvault.archive.content.prepared import Frame, PreparedObject
from mailvault.archive.content.volume_writer import PAGE_SIZE, Row, VolumeWriter, finish_sealing
from mailvault.archive.content.volumes import Volumes
from mailvault.archive.journal_mode import JournalMode
from mailvault.archive.private import make_folder
from mailvault.errors import ArchiveDamaged

_ROW = 160
"""Octets that one row of the index takes at most, with the slack of its tree."""


@dataclass(frozen=True, slots=True)
class VolumeSettings:
    """How volumes are made."""

    folder: Path
    journal: JournalMode
    limit: int


class VolumeFilling:
    """One volume that takes objects; what it takes is durable once its writer commits."""

    def __init__(self, writer: VolumeWriter, limit: int) -> None:
        self.writer = writer
        self._limit = limit
        self._frames = bytearray()
        self._rows: list[Row] = []
        self._begin_pack()

    def has_room(self, length: int, dictionary: Dictionary | None) -> bool:
        """Whether an object fits. One that fits no volume gets a volume of its own."""
        rows = length // FRAME_LIMIT + len(self._rows) + 2
        growth = len(self._frames) + length + rows * _ROW + 4 * PAGE_SIZE
        growth += self.writer.room_for(dictionary)
        is_empty = self._pack == 1 and not self._rows
        return is_empty or self._written + growth <= self._limit

    def place(self, placed: PreparedObject, frames: Iterable[Frame]) -> None:
        """Take an object into the pack being filled."""
        if not self.writer.is_writing:
            self.writer.begin()
        for part, frame in enumerate(frames):
            length = len(frame.octets)
            if self._frames and len(self._frames) + length > 2 * PACK_SIZE:
                self.flush()
            dictionary = frame.dictionary
            number = None if dictionary is None else self._dictionary_id(dictionary)
            at = (self._pack, len(self._frames), length, frame.size)
            self._rows.append((placed.digest, part, *at, placed.kind, number))
            self._frames += frame.octets
            if len(self._frames) >= PACK_SIZE:
                self.flush()

    def _dictionary_id(self, dictionary: Dictionary) -> int:
        self._written += self.writer.room_for(dictionary)
        return self.writer.dictionary_id(dictionary)

    def flush(self) -> None:
        """Write the pack being filled."""
        if self._rows:
            self.writer.add_pack(self._pack, self._frames, self._rows)
            self._frames = bytearray()
            self._rows = []
            self._begin_pack()

    def _begin_pack(self) -> None:
        self._pack = self.writer.next_pack()
        self._written = self.writer.octets + self.writer.owed_to_spares


class VolumeSeries:
    """The volumes being filled since the last commit; all but the last one are full."""

    def __init__(self, settings: VolumeSettings, volumes: Volumes) -> None:
        self._settings = settings
        self._volumes = volumes
        self._fillings: list[VolumeFilling] = []

    def with_room(self, length: int, dictionary: Dictionary | None) -> VolumeFilling:
        """The volume that takes an object of so many octets."""
        if not self._fillings:
            self._fill(self._first_number())
        if not self._fillings[-1].has_room(length, dictionary):
            self._fillings[-1].flush()
            self._fill(self._fillings[-1].writer.number + 1)
        return self._fillings[-1]

    def replace(self, digest: bytes, filling: VolumeFilling) -> None:
        """Make way for a sound copy of an object whose stored copy is damaged."""
        filling.writer.begin()
        number = filling.writer.number
        filling.writer.replace(digest, is_elsewhere=self._is_elsewhere(digest, number))

    def commit(self, values: dict[str, int]) -> None:
        """Make the volumes durable, the oldest first, so that parts precede their messages."""
        if not any(filling.writer.is_writing for filling in self._fillings):
            return
        last = self._fillings[-1]
        last.writer.begin()
        for filling in self._fillings:
            filling.flush()
        for key, value in values.items():
            last.writer.set_value(key, value)
        is_full = last.writer.octets + 8 * PAGE_SIZE >= self._settings.limit
        for filling in self._fillings:
            filling.writer.commit(is_full=is_full or filling is not last)
            self._volumes.add(filling.writer.volume)
        for filling in self._fillings if is_full else self._fillings[:-1]:
            filling.writer.make_single_file()
        self._fillings = [] if is_full else [last]

    def rollback(self) -> None:
        """Forget what was filled in; volumes that were only begun disappear."""
        fillings, self._fillings = self._fillings, []
        for filling in reversed(fillings):
            filling.writer.rollback()
            filling.writer.close()

    def _fill(self, number: int) -> None:
        make_folder(self._settings.folder)
        writer = VolumeWriter(self._volumes.volume(number), self._settings.journal)
        self._fillings.append(VolumeFilling(writer, self._settings.limit))

    def _first_number(self) -> int:
        """The newest volume if it can be written to, else a new one."""
        newest = self._volumes.newest()
        if newest is None:
            return 1
        try:
            is_sealed = bool(newest.values().get("sealed"))
            is_damaged = bool(newest.structure_faults())
        except ArchiveDamaged:
            return newest.number + 1  # what can be read of it is left as it is
        if is_sealed and not is_damaged:
            newest.disconnect()
            finish_sealing(newest.path)
        return newest.number + 1 if is_sealed or is_damaged else newest.number

    def _is_elsewhere(self, digest: bytes, number: int) -> bool:
        try:
            place = self._volumes.find(digest)
        except ArchiveDamaged:
            return True
        return place is not None and place[0].number != number
