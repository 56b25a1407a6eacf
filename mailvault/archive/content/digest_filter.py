"""Says at once, and without the disk, of most digests that a store does not hold them."""

from collections.abc import Iterable

DIGEST_SIZE = 32

_BITS_PER_DIGEST = 32
_ROOM = 250_000  # digests that may be added before the answers get worse


class DigestFilter:
    """A Bloom filter. Digests are random already, so their own bits serve as its hashes.

    One thread adds; any thread asks.
    """

    def __init__(self, held: bytes) -> None:
        bits = (len(held) // DIGEST_SIZE + _ROOM) * _BITS_PER_DIGEST
        self._mask = (1 << bits.bit_length()) - 1
        self._bits = bytearray((self._mask + 1) >> 3)
        self.update(held[at : at + DIGEST_SIZE] for at in range(0, len(held), DIGEST_SIZE))

    def update(self, digests: Iterable[bytes]) -> None:
        for digest in digests:
            for place in self._places(digest):
                self._bits[place >> 3] |= 1 << (place & 7)

    def may_hold(self, digest: bytes) -> bool:
        """False is certain; True is nearly so."""
        bits = self._bits
        first, second, third = self._places(digest)
        return bool(
            bits[first >> 3] >> (first & 7)
            & bits[second >> 3] >> (second & 7)
            & bits[third >> 3] >> (third & 7)
            & 1
        )

    def _places(self, digest: bytes) -> tuple[int, int, int]:
        number = int.from_bytes(digest[:24], "little")
        mask = self._mask
        return number & mask, number >> 64 & mask, number >> 128 & mask
