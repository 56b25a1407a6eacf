"""The outline of a message that is kept as it is: its text without its base64 parts."""

from collections.abc import Iterable

from mailvault.mail.lifting import lift
from mailvault.mail.lifting_windows import PartEnd, PartRun, TextRun, WindowLifter
from mailvault.mail.outline import OUTLINE_LIMIT, Hole, Outline


def outline_of(octets: bytes) -> Outline:
    """Outline a message that is in memory."""
    lifted = lift(octets)
    holes = (Hole(part.offset, len(part.octets)) for part in lifted.parts)
    within = tuple(hole for hole in holes if hole.offset <= OUTLINE_LIMIT)
    return Outline(lifted.text[:OUTLINE_LIMIT], within)


def outline_of_chunks(chunks: Iterable[bytes]) -> Outline:
    """Outline a message that is too big for memory; reads no more of it than it needs."""
    outlining = _Outlining()
    lifter = WindowLifter()
    for chunk in chunks:
        for run in lifter.feed(chunk):
            outlining.take(run)
        if outlining.is_complete:
            return outlining.outline()
    for run in lifter.finish():
        outlining.take(run)
    return outlining.outline()


class _Outlining:
    def __init__(self) -> None:
        self._text = bytearray()
        self._size = 0
        self._part = 0
        self._holes: list[Hole] = []

    @property
    def is_complete(self) -> bool:
        return self._size > OUTLINE_LIMIT

    def take(self, run: TextRun | PartRun | PartEnd) -> None:
        match run:
            case TextRun(octets):
                self._size += len(octets)
                self._text += octets[: OUTLINE_LIMIT - len(self._text)]
            case PartRun(octets):
                self._part += len(octets)
            case PartEnd():
                if self._size <= OUTLINE_LIMIT:
                    self._holes.append(Hole(self._size, self._part))
                self._part = 0

    def outline(self) -> Outline:
        return Outline(bytes(self._text), tuple(self._holes))
