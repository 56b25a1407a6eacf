"""Archived messages that a session does not list under their names, in little room.

A server that names all its messages anew leaves all of them here, to be known by their octets.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import compress

from mailvault.mail.model import Digest, Uid

_LENGTH = 32  # octets of a digest


class Missing:
    """Takes messages by ascending UID; then gives them back, each once, by their octets."""

    def __init__(self) -> None:
        self._uids = array("Q")
        self._digests = bytearray()
        self._is_missing = bytearray()
        self._count = 0
        self._by_digest: array[int] = array("I")  # places, those of the same octets by UID
        self._taken = array("I", [0])  # how many of the same octets, where their places begin

    def add(self, uid: Uid, digest: Digest) -> None:
        self._uids.append(uid)
        self._digests += digest.value
        self._is_missing.append(True)
        self._count += 1

    def __bool__(self) -> bool:
        return self._count > 0

    def __iter__(self) -> Iterator[Uid]:
        """Those that nobody took, by ascending UID."""
        return map(Uid, compress(self._uids, self._is_missing))

    def take(self, digest: Digest) -> Uid | None:
        """The first message of these octets; it is missing no more."""
        if len(self._by_digest) < len(self._uids):
            self._sort()
        first = bisect_left(self._by_digest, digest.value, key=self._digest)
        following = first + self._taken[first]
        if following == len(self._by_digest):
            return None
        place = self._by_digest[following]
        if self._digest(place) != digest.value:
            return None
        self._taken[first] += 1
        self._is_missing[place] = False
        self._count -= 1
        return Uid(self._uids[place])

    def _sort(self) -> None:
        self._by_digest = array("I", sorted(range(len(self._uids)), key=self._digest))
        self._taken = array("I", [0]) * (len(self._uids) + 1)

    def _digest(self, place: int) -> bytes:
        return bytes(self._digests[place * _LENGTH : (place + 1) * _LENGTH])
