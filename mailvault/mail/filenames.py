"""Names of exported messages: when, what about, and which. Safe on every file system."""

import unicodedata
from datetime import UTC, datetime

from mailvault.mail.model import Digest

_SUBJECT_OCTETS = 60
_SUBJECT_CHARACTERS = 200  # of which so many are looked at


def eml_name(digest: Digest, date: datetime | None, subject: str | None, copy: int = 1) -> str:
    """For instance ``20260105-120000-Lunch-on-Friday-0123456789abcdef.eml``.

    The digest makes it unique, ``copy`` does for a message that stands twice in a mailbox.
    """
    words = [
        instant(date),
        _slug(subject or ""),
        str(digest)[:16],
        str(copy) if copy > 1 else "",
    ]
    return "-".join(word for word in words if word) + ".eml"


def instant(date: datetime | None) -> str:
    """The date as names show it: to the second, in UTC."""
    if date is None:
        return "undated"
    at = date.astimezone(UTC)
    return f"{at.year:04}{at.month:02}{at.day:02}-{at.hour:02}{at.minute:02}{at.second:02}"


def _slug(subject: str) -> str:
    """Letters, marks and digits of any script; everything else is a hyphen."""
    text = unicodedata.normalize("NFC", subject[:_SUBJECT_CHARACTERS])
    kept = (char if unicodedata.category(char)[0] in "LMN" else " " for char in text)
    words = "-".join("".join(kept).split())
    return words.encode()[:_SUBJECT_OCTETS].decode("utf-8", "ignore").rstrip("-")
