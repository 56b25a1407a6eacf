"""Where octets live, and what some stores can do besides."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from mailvault.mail.changes import Record
from mailvault.mail.model import (
    Digest,
    Octets,
)
from mailvault.mail.outline import Outline


class Prepared(Protocol):
    """A message made ready for a content store: hashed, taken apart, compressed."""

    @property
    def digest(self) -> Digest: ...

    @property
    def size(self) -> int:
        """Octets of the message."""
        ...

    @property
    def outline(self) -> Outline | None:
        """For the index; None for a message the store held already."""
        ...


class Finding(Protocol):
    """One thing that is wrong with stored content."""

    @property
    def kind(self) -> str: ...

    @property
    def digest(self) -> Digest | None: ...

    @property
    def detail(self) -> str: ...


class ContentStore(Protocol):
    """Where octets live. Content is written once and never changed.

    ``prepare`` may run in any thread; everything that stages or commits, in one.
    """

    def prepare(self, octets: Octets) -> Prepared:
        """Hash, take apart and compress a message: the work that needs no order."""
        ...

    def put(self, prepared: Prepared) -> None:
        """Stage a message for the next commit; one that is stored and sound costs nothing."""
        ...

    def record(self, records: Sequence[Record]) -> None:
        """Tell the store what is about to be journalled, so that it can place its files."""
        ...

    def commit(self) -> None:
        """Make everything staged durable before returning."""
        ...

    def rollback(self) -> None:
        """Forget everything staged."""
        ...

    def get(self, digest: Digest) -> Octets:
        """Give back the exact octets, hashed on the way.

        Raises:
            MessageMissing: the store does not hold them.
            ArchiveDamaged: what it holds is not what was stored.
        """
        ...

    def prove(self, digest: Digest) -> int:
        """Read and hash a message in bounded memory; return its octets. From any thread.

        Raises as `get` does.
        """
        ...

    def forget(self) -> None:
        """Drop what is held in memory: what is read next comes from the disk."""
        ...

    def outline(self, digest: Digest) -> Outline:
        """The text of a message without its lifted parts. Raises as `get` does."""
        ...

    def __contains__(self, digest: Digest) -> bool: ...

    def digests(self) -> Iterator[Digest]:
        """All messages and lifted parts, in no particular order."""
        ...

    def stored_octets(self) -> int:
        """Octets on disk."""
        ...

    def check(self) -> Iterator[Finding]:
        """Look for damage to the structure, without reading all content."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Waste:
    """What only forgotten messages take in a store, in octets on disk."""

    objects: int
    octets: int
    reclaimable: int
    """Of these, what `Reclaiming.reclaim` would give back now."""


@runtime_checkable
class Reclaiming(Protocol):
    """A content store that can give back the room of messages nobody needs any more.

    ``forgotten`` are messages that the catalog does not know any more; ``is_kept`` says of
    any digest whether the catalog knows it, for a part of a forgotten message may be a
    message of its own. Parts that another message has stay, whether it is known or not.
    """

    def waste(self, forgotten: Collection[Digest], is_kept: Callable[[Digest], bool]) -> Waste:
        """Measure it. Changes nothing. Raises ArchiveDamaged if it cannot be known."""
        ...

    def reclaim(self, forgotten: Collection[Digest], is_kept: Callable[[Digest], bool]) -> int:
        """Give room back, and return how many octets. Killed anywhere, it can be repeated.

        Nothing else is lost at any moment, and readers go on reading. A store may leave
        messages where they are, as long as that is worth less than the work.
        """
        ...


@runtime_checkable
class Salvaging(Protocol):
    """A content store that can be made whole again in its structure."""

    def salvage(self, set_aside: Path) -> Iterator[str]:
        """Replace each broken file by one with all that can be read of it.

        The broken ones are kept in the folder ``set_aside``, whose name is free. Says what
        was done, a line for each file. Messages that are lost are then missing, or damaged.
        Killed anywhere, it can be repeated.
        """
        ...

    def orphans(self, is_kept: Callable[[Digest], bool]) -> Iterator[Digest]:
        """Messages that ``is_kept`` does not know and that are no part of one it knows."""
        ...
