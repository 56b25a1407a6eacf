"""Makes messages ready for the store: hashes them, takes them apart, compresses them."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mailvault.archive.codec import FRAME_LIMIT, SMALL, Codec, Dictionary
from mailvault.archive.content.holdings import Held
from mailvault.archive.content.prepared import Frame, PreparedMessage, PreparedObject
from mailvault.archive.content.preparing_large import LargeMessage
from mailvault.archive.content.recipe import RecipeHole, encode_header
from mailvault.archive.content.spool import CHUNK, Spool
from mailvault.archive.content.volume import RAW, RECIPE
from mailvault.errors import ArchiveError
from mailvault.mail.lifting import Lifted, lift
from mailvault.mail.lifting_windows import WindowLifter
from mailvault.mail.model import Digest, Octets, octet_count
from mailvault.mail.outline import OUTLINE_LIMIT, Hole, Outline


class Dictionaries(Protocol):
    """The dictionary for small texts; while one is being collected for, they wait."""

    @property
    def current(self) -> Dictionary | None: ...

    @property
    def is_collecting(self) -> bool: ...


@dataclass(slots=True)
class _Part:
    """A part that was lifted out of a message."""

    digest: bytes
    octets: bytes
    held: Held


@dataclass(slots=True)
class _Apart:
    """A message that is taken apart; ``text`` is what it will be stored as."""

    digest: Digest
    size: int
    text: bytes
    outline: Outline
    parts: Sequence[_Part]
    is_replacement: bool


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
        whole = octets if isinstance(octets, bytes) else b"".join(octets.chunks())
        return self.prepare_all([whole])[0]

    def prepare_all(self, messages: Sequence[bytes]) -> list[PreparedMessage]:
        """Do the same for many of at most `FRAME_LIMIT` octets each, in less time.

        Each step is done to some MiB of them before the next step, so that it finds its code
        and its tables in the processor's cache.
        """
        return [ready for some in _bounded(messages) for ready in self._step_by_step(some)]

    def _step_by_step(self, messages: Sequence[bytes]) -> list[PreparedMessage]:
        taken = [self._take_apart(octets) for octets in messages]
        apart = [each for each in taken if isinstance(each, _Apart)]
        parts = self._parts([part for each in apart for part in each.parts])
        frames = iter(self._texts([each.text for each in apart]))
        return [
            _finished(each, next(frames), parts) if isinstance(each, _Apart) else each
            for each in taken
        ]

    def _take_apart(self, octets: bytes) -> _Apart | PreparedMessage:
        digest = Digest.of(octets)
        held = self._held(digest.value)
        if held is Held.SOUND:
            return PreparedMessage(digest, len(octets))
        lifted = lift(octets)
        parts: list[_Part] = []
        holes: list[RecipeHole] = []
        position = 0
        for part in lifted.parts:
            part_digest = hashlib.sha256(part.octets).digest()
            parts.append(_Part(part_digest, part.octets, self._held(part_digest)))
            gap = part.offset - position
            holes.append(RecipeHole(gap, len(part.octets), part.shape, part_digest))
            position = part.offset
        text = encode_header(holes) + lifted.text if holes else octets
        is_replacement = held is Held.DAMAGED
        return _Apart(digest, len(octets), text, _outline(lifted), parts, is_replacement)

    def _parts(self, parts: Sequence[_Part]) -> dict[bytes, PreparedObject]:
        """The parts that the store has not, once each."""
        wanted = {part.digest: part for part in parts if part.held is not Held.SOUND}
        frames = self._compressed([(p.octets, self._for_part(p)) for p in wanted.values()])
        return {
            digest: PreparedObject(digest, RAW, (frame,), part.held is Held.DAMAGED)
            for (digest, part), frame in zip(wanted.items(), frames, strict=True)
        }

    def _for_part(self, part: _Part) -> Dictionary | None:
        # A dictionary of texts does nothing for images and the like but take time.
        is_text = len(part.octets) <= SMALL and b"\0" not in part.octets
        return self._dictionaries.current if is_text else None

    def _texts(self, texts: Sequence[bytes]) -> list[Frame]:
        if self._dictionaries.is_collecting:
            return [
                Frame(text, len(text), is_compressed=False)
                if len(text) <= SMALL
                else Frame(self._codec.compress(text), len(text))
                for text in texts
            ]
        dictionary = self._dictionaries.current
        return self._compressed(
            [(text, dictionary if len(text) <= SMALL else None) for text in texts]
        )

    def _compressed(self, many: Sequence[tuple[bytes, Dictionary | None]]) -> list[Frame]:
        """Compress together what shares a dictionary."""
        frames: dict[int, Frame] = {}
        for shared in {dictionary for _, dictionary in many}:
            places = [place for place, (_, each) in enumerate(many) if each is shared]
            packed = self._codec.compress_all([many[place][0] for place in places], shared)
            for place, octets in zip(places, packed, strict=True):
                frames[place] = Frame(octets, len(many[place][0]), shared)
        return [frames[place] for place in range(len(many))]

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
            taking_apart = LargeMessage(self._codec, self._held, spool)
            if _feed(octets, taking_apart) != digest.value:
                raise ArchiveError("a message changed on the disk while it was read")
        except BaseException:
            spool.discard()  # a full disk gets its space back at once
            raise
        objects, outline = taking_apart.finish(digest.value, held is Held.DAMAGED)
        return PreparedMessage(digest, octet_count(octets), outline, objects)


def _bounded(messages: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Cut into runs of `FRAME_LIMIT` octets or one message."""
    first = octets = 0
    for place, each in enumerate(messages):
        if octets and octets + len(each) > FRAME_LIMIT:
            yield messages[first:place]
            first, octets = place, 0
        octets += len(each)
    yield messages[first:]


def _finished(
    apart: _Apart, frame: Frame, parts: Mapping[bytes, PreparedObject]
) -> PreparedMessage:
    """The message with its objects, itself last."""
    digest = apart.digest.value
    objects = {part.digest: parts[part.digest] for part in apart.parts if part.digest in parts}
    objects[digest] = PreparedObject(
        digest,
        RECIPE if apart.parts else RAW,
        (frame,),
        is_replacement=apart.is_replacement,
        is_text=frame.size <= SMALL,
    )
    return PreparedMessage(apart.digest, apart.size, apart.outline, tuple(objects.values()))


def _feed(octets: Octets, taking_apart: LargeMessage) -> bytes:
    """Take a message apart; return the digest of what was read."""
    hasher = hashlib.sha256()
    lifter = WindowLifter()
    for chunk in _chunks(octets):
        hasher.update(chunk)
        taking_apart.take(lifter.feed(chunk))
    taking_apart.take(lifter.finish())
    taking_apart.end_text()
    return hasher.digest()


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
