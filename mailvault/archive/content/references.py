"""Which objects of the volumes are parts of which messages."""

from collections.abc import Callable, Collection, Iterator

from mailvault.archive.codec import BadFrame, Codec
from mailvault.archive.content.digest_filter import DigestFilter
from mailvault.archive.content.recipe import BadRecipe, RecipeReader
from mailvault.archive.content.rewriting import stored_frames
from mailvault.archive.content.volume import RECIPE, Extent, Volume
from mailvault.archive.content.volumes import Volumes
from mailvault.errors import ArchiveDamaged, ArchiveError
from mailvault.mail.model import Digest

_RECIPES = f"WHERE part = 0 AND kind = {RECIPE} ORDER BY pack, offset"

IsKept = Callable[[Digest], bool]


class References:
    """Reads the recipes. Damage is no parts, but never silently: see `parts_of_all`."""

    def __init__(self, volumes: Volumes, codec: Codec) -> None:
        self._volumes = volumes
        self._codec = codec

    def waste(self, forgotten: Collection[Digest], is_kept: IsKept) -> set[bytes]:
        """The objects that only forgotten messages need: they, and parts nobody else has.

        Raises:
            ArchiveDamaged: what another message needs cannot be known.
        """
        messages = {each.value for each in forgotten if not is_kept(each)}
        held = {digest for digest in messages if self._find(digest)}
        parts = {part for part in self._closure(held) if not is_kept(Digest(part))}
        needed = self._needed_by_others(held, parts - held)
        return held | (parts - held - needed)

    def orphans(self, is_kept: IsKept) -> Iterator[Digest]:
        """Messages that nothing refers to; hardly any of them is ever left out."""
        named = DigestFilter(b"")
        for digest, parts in self.parts_of_all():
            if is_kept(Digest(digest)):
                named.update(parts or ())
                named.update(self._closure(set(parts or ())))
        alone = {
            digest
            for digest in self._volumes.digests()
            if not is_kept(Digest(digest)) and not named.may_hold(digest)
        }
        alone -= self._closure(alone)
        yield from map(Digest, sorted(alone))

    def parts_of_all(self) -> Iterator[tuple[bytes, list[bytes] | None]]:
        """Every recipe, and the parts it names; None where that cannot be read."""
        for volume in self._volumes:
            try:
                for frame in stored_frames(volume, _RECIPES):
                    yield frame.digest, self._parts(volume, frame.extent)
            except ArchiveError:
                yield b"", None

    def _needed_by_others(self, forgotten: set[bytes], parts: set[bytes]) -> set[bytes]:
        needed: set[bytes] = set()
        if not parts:
            return needed
        for digest, named in self.parts_of_all():
            if digest in forgotten or digest in parts:
                continue
            if named is None:
                raise ArchiveDamaged(
                    f"{self._volumes.folder}: a message cannot be read, so it is not known "
                    "what else is needed",
                    hint="heal the archive first with: mailvault repair",
                )
            needed |= parts.intersection(named)
        return needed | (self._closure(needed) & parts)

    def _closure(self, digests: set[bytes]) -> set[bytes]:
        """The parts of objects, and the parts of these, as far as they can be read."""
        found: set[bytes] = set()
        waiting = list(digests)
        while waiting:
            place = self._find(waiting.pop())
            if place is None:
                continue
            volume, extents = place
            for part in self._parts(volume, extents[0]) or ():
                if part not in found:
                    found.add(part)
                    waiting.append(part)
        return found

    def _find(self, digest: bytes) -> tuple[Volume, list[Extent]] | None:
        try:
            return self._volumes.find(digest)
        except ArchiveDamaged:
            return None

    def _parts(self, volume: Volume, extent: Extent) -> list[bytes] | None:
        if extent.kind != RECIPE:
            return []
        try:
            number = extent.dictionary
            dictionary = None if number is None else volume.dictionary(number)
            octets = self._codec.decompress(volume.frame(extent), extent.size, dictionary)
            return [hole.digest for hole in RecipeReader([octets]).holes]
        except (BadFrame, BadRecipe, ArchiveDamaged):
            return None
