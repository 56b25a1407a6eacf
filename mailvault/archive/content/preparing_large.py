"""Takes apart a message too big for memory, window by window."""

import hashlib
from collections.abc import Callable, Iterator

from mailvault.archive.codec import FRAME_LIMIT, Codec
from mailvault.archive.content.holdings import Held
from mailvault.archive.content.prepared import Frame, PreparedObject, SpooledFrame
from mailvault.archive.content.recipe import RecipeHole, encode_header
from mailvault.archive.content.spool import Spool
from mailvault.archive.content.volume import RAW, RECIPE
from mailvault.mail.lifting_windows import PartEnd, PartRun, Run, TextRun
from mailvault.mail.outline import OUTLINE_LIMIT, Hole, Outline


class _FrameWriter:
    """Cuts an object's octets into frames and puts them into a spool."""

    def __init__(self, codec: Codec, spool: Spool) -> None:
        self._codec = codec
        self._spool = spool
        self._chunks: list[bytes] = []
        self._waiting = 0
        self.size = 0
        self.frames: list[SpooledFrame] = []
        self._hasher = hashlib.sha256()

    def write(self, octets: bytes) -> None:
        self._hasher.update(octets)
        self.size += len(octets)
        self._chunks.append(octets)
        self._waiting += len(octets)
        if self._waiting >= FRAME_LIMIT:
            self._flush(FRAME_LIMIT)

    def finish(self) -> bytes:
        """End the object; return its digest."""
        if self._waiting or not self.frames:
            self._flush(1)
        return self._hasher.digest()

    def _flush(self, least: int) -> None:
        waiting = b"".join(self._chunks)
        start = 0
        while len(waiting) - start >= least or not self.frames:
            raw = waiting[start : start + FRAME_LIMIT]
            frame = self._codec.compress(raw)
            at = self._spool.write(frame)
            self.frames.append(SpooledFrame(self._spool, at, len(frame), len(raw)))
            start += len(raw)
        self._chunks = [waiting[start:]]
        self._waiting = len(waiting) - start


class LargeMessage:
    """One such message: give it `take` all runs, and then `end_text`, then `finish`."""

    def __init__(self, codec: Codec, held: Callable[[bytes], Held], spool: Spool) -> None:
        self._codec = codec
        self._held = held
        self._spool = spool
        self._text = _FrameWriter(codec, spool)
        self._part: _FrameWriter | None = None
        self._head = bytearray()
        self._holes: list[RecipeHole] = []
        self._outline_holes: list[Hole] = []
        self._gap_start = 0
        self._objects: dict[bytes, PreparedObject] = {}

    def take(self, runs: Iterator[Run]) -> None:
        for run in runs:
            match run:
                case TextRun(octets):
                    self._text.write(octets)
                    self._head += octets[: OUTLINE_LIMIT - len(self._head)]
                case PartRun(octets):
                    self._part = self._part or _FrameWriter(self._codec, self._spool)
                    self._part.write(octets)
                case PartEnd():
                    self._end_part(run)

    def _end_part(self, end: PartEnd) -> None:
        part, self._part = self._part, None
        assert part is not None, "a part ends that never began"
        digest = part.finish()
        gap = self._text.size - self._gap_start
        self._gap_start = self._text.size
        self._holes.append(RecipeHole(gap, part.size, end.shape, digest))
        if self._text.size <= OUTLINE_LIMIT:
            self._outline_holes.append(Hole(self._text.size, part.size))
        held = self._held(digest)
        if held is not Held.SOUND and digest not in self._objects:
            self._objects[digest] = PreparedObject(
                digest, RAW, tuple(part.frames), held is Held.DAMAGED
            )

    def end_text(self) -> None:
        self._text.finish()

    def finish(
        self, digest: bytes, is_replacement: bool
    ) -> tuple[tuple[PreparedObject, ...], Outline]:
        """The objects of the message, itself last, and its outline."""
        frames: tuple[Frame | SpooledFrame, ...] = tuple(self._text.frames)
        if self._holes:
            header = encode_header(self._holes)
            frames = (Frame(self._codec.compress(header), len(header)), *frames)
        kind = RECIPE if self._holes else RAW
        self._objects[digest] = PreparedObject(digest, kind, frames, is_replacement)
        outline = Outline(bytes(self._head), tuple(self._outline_holes))
        return tuple(self._objects.values()), outline
