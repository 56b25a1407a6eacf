"""Gives stored messages back: rebuilt from their recipe, and hashed before anyone sees them.

An object lies in one place, or its newest copy counts. Damage to an index can show it in
others too: where what counts is not sound, every copy is tried until one is.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias, TypeVar

from mailvault.archive.codec import BadFrame, Codec
from mailvault.archive.content.proof import damaged, gathered, proven
from mailvault.archive.content.recipe import BadRecipe, RecipeHole, RecipeReader, encoded
from mailvault.archive.content.volume import RAW, RECIPE
from mailvault.archive.content.volumes import Place, Volumes
from mailvault.errors import ArchiveDamaged, ArchiveError, MessageMissing
from mailvault.mail.model import Digest, Octets
from mailvault.mail.outline import OUTLINE_LIMIT, Hole, Outline

# Every level of base64 makes a message a third larger, so no real one goes as deep.
_DEEPEST = 64
_NESTED = 8
"""Recipes in recipes whose copies are compared; deeper only what is forged goes."""

T = TypeVar("T")

Choose: TypeAlias = Callable[[bytes], Place]
"""Says where an object is read. Raises MessageMissing, ArchiveDamaged."""


class Reader:
    """Reads messages from the volumes. Any thread may use it."""

    def __init__(self, volumes: Volumes, codec: Codec, tmp: Path | None) -> None:
        self._volumes = volumes
        self._codec = codec
        self._tmp = tmp

    def get(self, digest: Digest) -> Octets:
        """Give back a message: in memory up to 1 MiB, else in a temporary file."""
        return self._read(digest, lambda chunks: gathered(digest, chunks, self._tmp))

    def prove(self, digest: Digest) -> int:
        """Read and hash a message; return its octets."""
        return self._read(digest, lambda chunks: proven(digest, chunks))

    def _read(self, digest: Digest, take: Callable[[Iterator[bytes]], T]) -> T:
        """Read what counts; where that is not sound, whatever copies are."""
        try:
            return take(self._damage_named(digest, self._volumes.require))
        except ArchiveDamaged:
            return take(self._damage_named(digest, _Soundest(self._volumes, self)))

    def outline(self, digest: Digest) -> Outline:
        """Read the text of a message; its lifted parts are left where they are."""
        place = self._volumes.require(digest.value)
        try:
            if place[1][0].kind == RAW:
                return Outline(_head(self._frames(place)))
            recipe = RecipeReader(self._frames(place))
            holes: list[Hole] = []
            offset = 0
            for each in recipe.holes:
                offset += each.gap
                holes.append(Hole(offset, each.size))
            text = _head(recipe.text())
        except (BadFrame, BadRecipe) as error:
            raise damaged(digest, error) from error
        return Outline(text, tuple(hole for hole in holes if hole.offset <= OUTLINE_LIMIT))

    def _damage_named(self, digest: Digest, choose: Choose) -> Iterator[bytes]:
        try:
            yield from self.chunks(choose(digest.value), 0, choose)
        except (BadFrame, BadRecipe) as error:
            raise damaged(digest, error) from error

    def chunks(self, place: Place, depth: int, choose: Choose) -> Iterator[bytes]:
        """The octets of an object in one place. Raises BadFrame, BadRecipe, ArchiveError."""
        kind = place[1][0].kind
        if kind == RAW:
            yield from self._frames(place)
        elif kind == RECIPE and depth < _DEEPEST:
            recipe = RecipeReader(self._frames(place))
            for hole in recipe.holes:
                yield from recipe.text(hole.gap)
                yield from encoded(hole, self._part(hole, depth + 1, choose))
            yield from recipe.text()
        else:
            raise BadRecipe(f"its kind is {kind}" if depth < _DEEPEST else "it has no end")

    def _part(self, hole: RecipeHole, depth: int, choose: Choose) -> Iterator[bytes]:
        try:
            place = choose(hole.digest)
        except MessageMissing as error:
            raise BadRecipe(f"its part {hole.digest.hex()} is missing") from error
        left = hole.size
        for chunk in self.chunks(place, depth, choose):
            left -= len(chunk)
            if left < 0:  # also what stops a recipe that leads to itself
                break
            yield chunk
        if left:
            raise BadRecipe(f"its part {hole.digest.hex()} is not of {hole.size} octets")

    def _frames(self, place: Place) -> Iterator[bytes]:
        volume, extents = place
        for extent in extents:
            number = extent.dictionary
            dictionary = None if number is None else volume.dictionary(number)
            yield self._codec.decompress(volume.frame(extent), extent.size, dictionary)


class _Soundest:
    """Chooses, while one message is read, the first copy of an object that is sound."""

    def __init__(self, volumes: Volumes, reader: Reader) -> None:
        self._volumes = volumes
        self._reader = reader
        self._chosen: dict[bytes, Place] = {}
        self._pending: set[bytes] = set()

    def __call__(self, digest: bytes) -> Place:
        if digest not in self._chosen:
            copies = self._volumes.copies(digest) or [self._volumes.require(digest)]
            if len(copies) == 1 or digest in self._pending or len(self._pending) >= _NESTED:
                return copies[0]
            self._pending.add(digest)
            sound = (place for place in copies if self._is_sound(digest, place))
            self._chosen[digest] = next(sound, copies[0])
            self._pending.remove(digest)
        return self._chosen[digest]

    def _is_sound(self, digest: bytes, place: Place) -> bool:
        try:
            proven(Digest(digest), self._reader.chunks(place, 0, self))
        except (BadFrame, BadRecipe, ArchiveError):
            return False
        return True


def _head(chunks: Iterator[bytes]) -> bytes:
    """The first octets, as many as an outline may have."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= OUTLINE_LIMIT:
            break
    return b"".join(held)[:OUTLINE_LIMIT]
