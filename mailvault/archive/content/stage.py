"""What will be durable with the next commit."""

from collections.abc import Iterator

from mailvault.archive.codec import Codec
from mailvault.archive.content.filling import VolumeSeries
from mailvault.archive.content.prepared import Frame, PreparedObject
from mailvault.archive.content.training import Training

_WAITING = 16 << 20
"""Octets of text that may wait for a dictionary."""


class Stage:
    """Collects objects for one commit. One thread uses it; any may look at ``digests``."""

    def __init__(self, series: VolumeSeries, training: Training, codec: Codec) -> None:
        self.digests: set[bytes] = set()
        self._series = series
        self._training = training
        self._codec = codec
        self._texts: list[PreparedObject] = []
        self._waiting = 0

    def add(self, prepared: PreparedObject) -> None:
        """Stage an object that is not stored, or whose stored copy is damaged."""
        self.digests.add(prepared.digest)
        if not prepared.is_waiting:
            self._place(prepared)
            return
        self._texts.append(prepared)
        self._waiting += prepared.size
        if self._waiting >= _WAITING:
            self._compress_texts()

    def commit(self) -> None:
        """Make everything staged durable."""
        self._compress_texts()
        self._series.commit(self._training.values())
        self._training.committed()
        self._forget()

    def rollback(self) -> None:
        """Forget everything staged."""
        self._forget()
        self._training.rolled_back()
        self._series.rollback()

    def close(self) -> None:
        """Forget everything staged, and let go of the volume being filled."""
        self.rollback()

    def _forget(self) -> None:
        self.digests = set()
        self._texts = []
        self._waiting = 0

    def _compress_texts(self) -> None:
        texts, self._texts, self._waiting = self._texts, [], 0
        if texts and self._training.is_collecting:
            self._training.learn([frame.octets for text in texts for frame in text.frames()])
        for text in texts:
            self._place(text)

    def _place(self, prepared: PreparedObject) -> None:
        dictionary = self._training.current if prepared.is_waiting else prepared.dictionary
        filling = self._series.with_room(prepared.length, dictionary)
        if prepared.is_replacement:
            self._series.replace(prepared.digest, filling)
        filling.place(prepared, self._frames(prepared))
        if prepared.is_text:
            self._training.note(prepared.size)

    def _frames(self, prepared: PreparedObject) -> Iterator[Frame]:
        for frame in prepared.frames():
            if frame.is_compressed:
                yield frame
            else:
                dictionary = self._training.current
                compressed = self._codec.compress(frame.octets, dictionary)
                yield Frame(compressed, frame.size, dictionary)
