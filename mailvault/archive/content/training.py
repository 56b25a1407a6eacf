"""When the texts of an archive get a dictionary in common, and which."""

from collections.abc import Iterator, Sequence

from mailvault.archive.codec import (
    SMALL,
    BadFrame,
    Codec,
    Dictionary,
    saving,
    train,
)
from mailvault.archive.content.volume import Volume
from mailvault.archive.content.volumes import Volumes
from mailvault.errors import ArchiveDamaged

TEXT = "text"
NEXT_TRAINING = "next_training"

_GROWTH = 6
"""A dictionary is made anew once there is so many times the text there was."""

_RETRY = 2
_ENOUGH = 3 << 20  # octets of text to learn from


class Training:
    """The dictionary to compress with; while it collects, small texts wait for a new one.

    Any thread may look at ``current`` and ``is_collecting``; the staging thread trains.
    """

    def __init__(self, codec: Codec, volumes: Volumes) -> None:
        self._codec = codec
        self._volumes = volumes
        newest = _newest_readable(volumes)
        values = newest.values() if newest else {}
        self.current = newest.newest_dictionary() if newest else None
        self._text = _count(values.get(TEXT))
        self._next_at = _count(values.get(NEXT_TRAINING))
        self._committed = (self.current, self._text, self._next_at)

    @property
    def is_collecting(self) -> bool:
        return self._text >= self._next_at

    def values(self) -> dict[str, int]:
        """What the newest volume must remember."""
        return {TEXT: self._text, NEXT_TRAINING: self._next_at}

    def learn(self, texts: Sequence[bytes]) -> None:
        """Make a dictionary of texts not yet stored, and of earlier ones where they are few."""
        octets = sum(map(len, texts))
        samples = [*texts, *self._earlier(_ENOUGH - octets)]
        learned = train(samples)
        if learned is not None and self._pays(learned, texts, samples):
            self.current = learned
            self._next_at = _GROWTH * (self._text + octets)
        else:
            self._next_at = _RETRY * (self._text + octets)

    def _earlier(self, octets: int) -> Iterator[bytes]:
        """Texts of the newest volume, as many as make up so many octets."""
        volume = _newest_readable(self._volumes)
        if octets <= 0 or volume is None:
            return
        for extent in volume.compressible(SMALL):
            number = extent.dictionary
            try:
                dictionary = None if number is None else volume.dictionary(number)
                yield self._codec.decompress(volume.frame(extent), extent.size, dictionary)
            except BadFrame:
                continue  # nothing to learn from; verify reports it
            octets -= extent.size
            if octets <= 0:
                return

    def _pays(
        self, learned: Dictionary, texts: Sequence[bytes], samples: Sequence[bytes]
    ) -> bool:
        """Whether it saves more than it takes, if half as many come as there are already."""
        share = saving(samples, learned, self.current)
        octets = sum(map(len, texts)) + self._text // 2
        return share * octets > len(learned.packed())

    def note(self, octets: int) -> None:
        """Count text that was staged."""
        self._text += octets

    def committed(self) -> None:
        self._committed = (self.current, self._text, self._next_at)

    def rolled_back(self) -> None:
        self.current, self._text, self._next_at = self._committed


def _newest_readable(volumes: Volumes) -> Volume | None:
    for volume in reversed(list(volumes)):
        try:
            volume.values()
        except ArchiveDamaged:
            continue
        return volume
    return None


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
