"""Memory in common with a worker: octets go through it, and the pipe only says how many.

A pipe copies everything twice and wakes both ends for every piece.
"""

import mmap
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

SIZE = 2 << 20
"""Octets of a tray: more than a source brings at a time. What does not fit takes the pipe."""


class Parcel(NamedTuple):
    """Octets on their way; ``carried`` is None where they lie in the tray."""

    lengths: Sequence[int]
    carried: Sequence[bytes] | None


class Tray:
    """Holds one parcel at a time. Without memory everything is carried through the pipe."""

    def __init__(self, descriptor: int | None) -> None:
        """Takes the descriptor over."""
        self.descriptor = descriptor
        self._memory = None if descriptor is None else mmap.mmap(descriptor, 0)

    @classmethod
    def make(cls) -> "Tray":
        """A new one; without memory where the system has none to share, or refuses it."""
        try:
            descriptor = os.memfd_create("mailvault")
        except (AttributeError, OSError):
            return cls(None)
        try:
            os.ftruncate(descriptor, SIZE)
            return cls(descriptor)
        except OSError:
            os.close(descriptor)
            return cls(None)

    def pack(self, pieces: Sequence[bytes]) -> Parcel:
        """Lay octets in, in place of those before, if they fit."""
        lengths = list(map(len, pieces))
        if self._memory is None or sum(lengths) > len(self._memory):
            return Parcel(lengths, pieces)
        at = 0
        for piece, length in zip(pieces, lengths, strict=True):
            self._memory[at : at + length] = piece
            at += length
        return Parcel(lengths, None)

    def unpack(self, parcel: Parcel) -> Iterator[bytes]:
        """The octets of a parcel that the other end packed."""
        if parcel.carried is not None:
            yield from parcel.carried
            return
        assert self._memory is not None, "only a tray with memory makes such a parcel"
        at = 0
        for length in parcel.lengths:
            yield self._memory[at : at + length]
            at += length

    def close(self) -> None:
        """Let go of the memory. Idempotent."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None
