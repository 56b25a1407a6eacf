"""A content store that forgets: the reference the tests compare with."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive.content.outlining import outline_of
from mailvault.errors import ArchiveError, MessageMissing
from mailvault.mail.changes import Record
from mailvault.mail.model import Digest, Octets
from mailvault.mail.outline import Outline
from mailvault.ports import Finding, Prepared, Waste


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A message as it is; prepared is all it ever gets."""

    digest: Digest
    octets: bytes
    outline: Outline | None

    @property
    def size(self) -> int:
        return len(self.octets)


class MemoryStore:
    """A `ContentStore` in memory. Lifted parts are not kept apart."""

    def __init__(self) -> None:
        self._messages: dict[Digest, bytes] = {}
        self._staged: dict[Digest, bytes] = {}

    def prepare(self, octets: Octets) -> HeldMessage:
        content = octets if isinstance(octets, bytes) else b"".join(octets.chunks())
        digest = Digest.of(content)
        is_held = digest in self._messages or digest in self._staged
        return HeldMessage(digest, content, None if is_held else outline_of(content))

    def put(self, prepared: Prepared) -> None:
        if not isinstance(prepared, HeldMessage):
            raise ArchiveError("a store takes only what it prepared")
        if prepared.digest not in self._messages:
            self._staged[prepared.digest] = prepared.octets

    def record(self, records: Sequence[Record]) -> None:
        """Nothing here depends on where messages lie."""

    def commit(self) -> None:
        self._messages |= self._staged
        self._staged = {}

    def rollback(self) -> None:
        self._staged = {}

    def get(self, digest: Digest) -> bytes:
        if digest not in self._messages:
            raise MessageMissing(f"the archive holds no message {digest}")
        return self._messages[digest]

    def prove(self, digest: Digest) -> int:
        return len(self.get(digest))

    def forget(self) -> None:
        """Memory is all there is."""

    def outline(self, digest: Digest) -> Outline:
        return outline_of(self.get(digest))

    def __contains__(self, digest: Digest) -> bool:
        return digest in self._messages

    def digests(self) -> Iterator[Digest]:
        return iter(list(self._messages))

    def stored_octets(self) -> int:
        return sum(map(len, self._messages.values()))

    def waste(self, forgotten: Collection[Digest], is_kept: Callable[[Digest], bool]) -> Waste:
        dead = [each for each in forgotten if each in self._messages and not is_kept(each)]
        octets = sum(len(self._messages[each]) for each in dead)
        return Waste(len(dead), octets, octets)

    def reclaim(self, forgotten: Collection[Digest], is_kept: Callable[[Digest], bool]) -> int:
        saved = self.waste(forgotten, is_kept).octets
        for each in forgotten:
            if not is_kept(each):
                self._messages.pop(each, None)
        return saved

    def salvage(self, set_aside: Path) -> Iterator[str]:  # noqa: ARG002 - memory has no files
        return iter(())

    def orphans(self, is_kept: Callable[[Digest], bool]) -> Iterator[Digest]:
        return (each for each in list(self._messages) if not is_kept(each))

    def check(self) -> Iterator[Finding]:
        return iter(())

    def close(self) -> None:
        """Nothing to let go of."""
