"""Telling the copies of one message apart, in this export and between this and the last."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

from mailvault.mail.model import Digest

KEY_OCTETS = 8


def copy_key(digest: str, when: str) -> int:
    """What copies of a message have in common: its octets and its date, in 64 bits.

    A number, for a mailbox may hold millions. ``digest`` is as much of it as names show.
    """
    text = f"{digest} {when}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=KEY_OCTETS).digest(), "big")


class Copies:
    """Counts the copies of a mailbox's messages: an earlier export's, and those of this one.

    ``present`` were there before this export, ``own`` were added by it already. A message
    costs some hundred octets of memory, whatever its size.
    """

    def __init__(self, present: Iterable[int] = (), own: Iterable[int] = ()) -> None:
        self._counts: dict[int, _Count] = {}
        self._unclaimed = 0
        for key in present:
            left, number = self._counts.get(key, _NONE)
            self._counts[key] = _shared(left + 1, number)
            self._unclaimed += 1
        for key in own:
            self.number(key)

    @property
    def may_hold(self) -> bool:
        """Whether copies of an earlier export are left that nothing claimed."""
        return self._unclaimed > 0

    def claim(self, key: int) -> bool:
        """Whether an earlier export left one more copy; it is then this one."""
        left, number = self._counts.get(key, _NONE)
        if not left:
            return False
        self._counts[key] = _shared(left - 1, number + 1)
        self._unclaimed -= 1
        return True

    def number(self, key: int) -> int:
        """The number of the next copy; the first has 1."""
        left, number = self._counts.get(key, _NONE)
        self._counts[key] = _shared(left, number + 1)
        return number + 1


_Count: TypeAlias = tuple[int, int]
"""Copies that nothing claimed yet, and numbers that were given."""

_NONE: _Count = (0, 0)


@lru_cache(maxsize=1024)
def _shared(left: int, number: int) -> _Count:
    """Nearly all messages have the same counts, so they share them."""
    return left, number


def seconds_of(date: datetime | None) -> int:
    """Seconds since 1970, not below; 0 where there is no date."""
    return max(0, int(date.timestamp())) if date else 0


def mailbox_key(digest: Digest, date: datetime | None) -> int:
    """The key of formats that keep a digest's first half and the date to the second."""
    return copy_key(str(digest)[:32], str(seconds_of(date)))
