"""A message on its way into a store: objects made of frames, in memory or in a spool."""

from collections.abc import Iterator
from dataclasses import dataclass

from mailvault.archive.codec import Dictionary
from mailvault.archive.content.spool import Spool
from mailvault.mail.model import Digest
from mailvault.mail.outline import Outline


@dataclass(frozen=True, slots=True)
class Frame:
    """``size`` octets compressed; or as they are, while no dictionary exists for them."""

    octets: bytes
    size: int
    dictionary: Dictionary | None = None
    is_compressed: bool = True


@dataclass(frozen=True, slots=True)
class SpooledFrame:
    """A compressed frame that lies in a temporary file."""

    spool: Spool
    start: int
    length: int
    size: int

    def load(self) -> Frame:
        return Frame(self.spool.read(self.start, self.length), self.size)


@dataclass(frozen=True, slots=True)
class PreparedObject:
    """An object of the store: a message, a recipe or a lifted part."""

    digest: bytes
    kind: int
    parts: tuple[Frame | SpooledFrame, ...]
    is_replacement: bool = False
    is_text: bool = False

    @property
    def length(self) -> int:
        """Octets it will take, at most, in a pack."""
        return sum(
            part.length if isinstance(part, SpooledFrame) else len(part.octets)
            for part in self.parts
        )

    @property
    def is_waiting(self) -> bool:
        """Whether it is to be compressed once there is a dictionary."""
        first = self.parts[0]
        return isinstance(first, Frame) and not first.is_compressed

    @property
    def dictionary(self) -> Dictionary | None:
        first = self.parts[0]
        return first.dictionary if isinstance(first, Frame) else None

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)

    def frames(self) -> Iterator[Frame]:
        """The frames in order, one at a time."""
        for part in self.parts:
            yield part.load() if isinstance(part, SpooledFrame) else part


@dataclass(frozen=True, slots=True)
class PreparedMessage:
    """A message made ready; without objects it is in the store, or staged, already."""

    digest: Digest
    size: int
    outline: Outline | None = None
    objects: tuple[PreparedObject, ...] = ()
