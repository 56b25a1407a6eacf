"""Apple Mail's emlx: a length, the message, and a property list with its flags.

https://docs.fileformat.com/email/emlx/ - the first line is the octets of the message in
decimal; the list holds ``flags``, a field of bits, and ``date-received``, seconds since 1970.
"""

import plistlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.parsers.expat import ExpatError

from mailvault.mail.maildir import FORWARDED
from mailvault.mail.model import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN, Flag, Flags

LIST_LIMIT = 1 << 20
"""Octets of a property list that are looked at."""

_LENGTH = re.compile(rb"[ \t]*(\d{1,18})[ \t]*\r?\n")
_BITS = {0: SEEN, 1: DELETED, 2: ANSWERED, 4: FLAGGED, 6: DRAFT, 8: FORWARDED}
_JUNK, _NOT_JUNK = 24, 25


@dataclass(frozen=True, slots=True)
class Properties:
    """What the list says; None where it does not."""

    flags: Flags | None = None
    received: datetime | None = None


def read_length(start: bytes) -> tuple[int, int] | None:
    """The octets of the message, and where it begins; None if this is no emlx."""
    match = _LENGTH.match(start)
    return None if match is None else (int(match[1]), match.end())


def read_properties(octets: bytes) -> Properties:
    """Read the list after the message. Never raises: a damaged one says nothing."""
    try:
        found = plistlib.loads(octets.strip(), fmt=plistlib.FMT_XML)
    except (ValueError, ExpatError, AttributeError, KeyError, IndexError, TypeError):
        return Properties()
    except (RecursionError, OverflowError):
        return Properties()
    if not isinstance(found, dict):
        return Properties()
    bits, received = found.get("flags"), found.get("date-received")
    return Properties(
        _flags(bits) if isinstance(bits, int) else None,
        _instant(received) if isinstance(received, int | float) else None,
    )


def _flags(bits: int) -> Flags:
    found = {flag for bit, flag in _BITS.items() if bits >> bit & 1}
    if bits >> _JUNK & 1:
        found.add(Flag("$Junk"))
    elif bits >> _NOT_JUNK & 1:
        found.add(Flag("$NotJunk"))
    return frozenset(found)


def _instant(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None
