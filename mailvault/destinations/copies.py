"""Telling the copies of one message apart, in this export and between this and the last."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

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

    ``present`` were there before this export, ``own`` were added by it already.
    """

    def __init__(self, present: Iterable[int] = (), own: Iterable[int] = ()) -> None:
        self._unclaimed: dict[int, int] = {}
        for key in present:
            self._unclaimed[key] = self._unclaimed.get(key, 0) + 1
        self._numbers: dict[int, int] = {}
        for key in own:
            self.number(key)

    @property
    def may_hold(self) -> bool:
        """Whether copies of an earlier export are left that nothing claimed."""
        return bool(self._unclaimed)

    def claim(self, key: int) -> bool:
        """Whether an earlier export left one more copy; it is then this one."""
        left = self._unclaimed.get(key, 0)
        if not left:
            return False
        if left == 1:
            del self._unclaimed[key]
        else:
            self._unclaimed[key] = left - 1
        self.number(key)
        return True

    def number(self, key: int) -> int:
        """The number of the next copy; the first has 1."""
        number = self._numbers[key] = self._numbers.get(key, 0) + 1
        return number


def seconds_of(date: datetime | None) -> int:
    """Seconds since 1970, not below; 0 where there is no date."""
    return max(0, int(date.timestamp())) if date else 0


def mailbox_key(digest: Digest, date: datetime | None) -> int:
    """The key of formats that keep a digest's first half and the date to the second."""
    return copy_key(str(digest)[:32], str(seconds_of(date)))
