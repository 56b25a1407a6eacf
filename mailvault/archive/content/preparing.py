"""Makes messages ready for the store: hashes them, takes them apart, compresses them."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from mailvault.archive.codec import FRAME_LIMIT, SMALL, Codec, Dictionary
from mailvault.archive.content.holdings import Held
from mailvault.archive.content.prepared import (
    Frame,
    PreparedMessage,
    PreparedObject,
    SpooledFrame,
)
from mailvault.archive.content.recipe import RecipeHole, encode_header
from mailvault.archive.content.spool import CHUNK, Spool
from mailvault.archive.content.volume import RAW, RECIPE
from mailvault.errors import ArchiveError
from mailvault.mail.lifting import Lifted, lift
from mailvault.mail.lifting_windows import PartEnd, PartRun, Run, TextRun, WindowLifter
from mailvault.mail.model import Digest, Octets, octet_count
from mailvault.mail.outline import OUTLINE_LIMIT, Hole, Outline


class Dictionaries(Protocol):
    """The dictionary for small texts; while one is being collected for, they wait."""

    @property
    def current(self) -> Dictionary | None: ...

    @property
    def is_collecting(self) -> bool: ...


class Preparer:
    """Any number of threads may prepare messages at once."""

    def __init__(
        self,
        codec: Codec,
        dictionaries: Dictionaries,
        held: Callable[[bytes], Held],
        tmp: Path | None,
    ) -> None:
        self._codec = codec
        self._dictionaries = dictionaries
        self._held = held
        self._tmp = tmp

    def prepare(self, octets: Octets) -> PreparedMessage:
        """Do for a message all that needs no order."""
        if octet_count(octets) > FRAME_LIMIT:
            return self._large(octets)
        return self._small(octets if isinstance(octets, bytes) else b"".join(octets.chunks()))

    def _small(self, octets: bytes) -> PreparedMessage:
        digest = Digest.of(octets)
        held = self._held(digest.value)
        if held is Held.SOUND:
            return PreparedMessage(digest, len(octets))
        lifted = lift(octets)
        objects: dict[bytes, PreparedObject] = {}
        holes: list[RecipeHole] = []
        position = 0
        for part in lifted.parts:
            part_digest = hashlib.sha256(part.octets).digest()
            self._add_part(objects, part_digest, part.octets)
            gap = part.offset - position
            holes.append(RecipeHole(gap, len(part.octets), part.shape, part_digest))
            position = part.offset
        stored = encode_header(holes) + lifted.text if holes else octets
        kind = RECIPE if holes else RAW
        message = PreparedObject(
            digest.value,
            kind,
            (self._text_frame(stored),),
            is_replacement=held is Held.DAMAGED,
            is_text=len(stored) <= SMALL,
        )
        objects[digest.value] = message
        return PreparedMessage(digest, len(octets), _outline(lifted), tuple(objects.values()))

    def _add_part(
        self, objects: dict[bytes, PreparedObject], digest: bytes, octets: bytes
    ) -> None:
        held = self._held(digest)
        if held is Held.SOUND or digest in objects:
            return
        # A dictionary of texts does nothing for images and the like but take time.
        is_text = len(octets) <= SMALL and b"\0" not in octets
        dictionary = self._dictionaries.current if is_text else None
        frame = Frame(self._codec.compress(octets, dictionary), len(octets), dictionary)
        objects[digest] = PreparedObject(digest, RAW, (frame,), held is Held.DAMAGED)

    def _text_frame(self, text: bytes) -> Frame:
        if len(text) > SMALL:
            return Frame(self._codec.compress(text), len(text))
        if self._dictionaries.is_collecting:
            return Frame(text, len(text), is_compressed=False)
        dictionary = self._dictionaries.current
        return Frame(self._codec.compress(text, dictionary), len(text), dictionary)

    def _large(self, octets: Octets) -> PreparedMessage:
        hasher = hashlib.sha256()
        for chunk in _chunks(octets):
            hasher.update(chunk)
        digest = Digest(hasher.digest())
        held = self._held(digest.value)
        if held is Held.SOUND:
            return PreparedMessage(digest, octet_count(octets))
        spool = Spool(self._tmp)
        try:
            taking_apart = _LargeMessage(self._codec, self._held, spool)
            if _feed(octets, taking_apart) != digest.value:
                raise ArchiveError("a message changed on the disk while it was read")
        except BaseException:
            spool.discard()  # a full disk gets its space back at once
            raise
        objects, outline = taking_apart.finish(digest.value, held is Held.DAMAGED)
        return PreparedMessage(digest, octet_count(octets), outline, objects)


def _feed(octets: Octets, taking_apart: "_LargeMessage") -> bytes:
    """Take a message apart; return the digest of what was read."""
    hasher = hashlib.sha256()
    lifter = WindowLifter()
    for chunk in _chunks(octets):
        hasher.update(chunk)
        taking_apart.take(lifter.feed(chunk))
    taking_apart.take(lifter.finish())
    taking_apart.end_text()
    return hasher.digest()


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


class _LargeMessage:
    """A message that is taken apart window by window."""

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


def _outline(lifted: Lifted) -> Outline:
    holes = (Hole(part.offset, len(part.octets)) for part in lifted.parts)
    return Outline(
        lifted.text[:OUTLINE_LIMIT],
        tuple(hole for hole in holes if hole.offset <= OUTLINE_LIMIT),
    )


def _chunks(octets: Octets) -> Iterator[bytes]:
    if not isinstance(octets, bytes):
        yield from octets.chunks()
        return
    for start in range(0, len(octets), CHUNK):
        yield octets[start : start + CHUNK]
