"""Header fields that mail stores add for themselves: flags, keywords, labels, lengths.

They are no part of the message that arrived: an IMAP server over such a store hides them
(Dovecot's mbox format), and so do we. What they say becomes flags and labels.
"""

import re
from dataclasses import dataclass

from mailvault.mail.headers import HEADER_LIMIT, clean, decode_field, header_end
from mailvault.mail.maildir import FORWARDED
from mailvault.mail.model import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN, Flag, Flags

_FLAGS = "status|x-status|x-keywords|x-mozilla-status2?|x-mozilla-keys|x-uid|x-imap|x-imapbase"
_LABELS = "x-gmail-labels|x-gm-thrid"
_FIELD = re.compile(
    (
        rf"(?<![^\n])({_FLAGS}|{_LABELS}|content-length)[ \t]*:"
        r"([^\n]*(?:\n[ \t][^\n]*)*+)\n?"
    ).encode(),
    re.IGNORECASE,
)

# c-client's and mutt's letters.
_STATUS = {"R": SEEN}
_X_STATUS = {"A": ANSWERED, "F": FLAGGED, "D": DELETED, "T": DRAFT}
# nsMsgMessageFlags.h of Thunderbird.
_MOZILLA = {0x0001: SEEN, 0x0002: ANSWERED, 0x0004: FLAGGED, 0x0008: DELETED, 0x1000: FORWARDED}
_MOZILLA_2 = {0x00200000: DELETED}
_KEYWORD = re.compile(r"[!#$&'+-\[^-z|~]{1,200}")  # an atom (RFC 9051 9)
_LABEL = re.compile(r'\s*("(?:[^"]|"")*"|[^,]*?)\s*(?:,|\Z)')
_LABELS_LIMIT = 16 * 1024


@dataclass(frozen=True, slots=True)
class Marks:
    """What the fields said; None where none of them spoke of it."""

    flags: Flags | None = None
    labels: tuple[str, ...] | None = None


NOTHING = Marks()

# Exactly what an export of mailvault puts before a message (`mail.mbox.status_fields`).
_LEADING = re.compile(
    rb"Status: (?:RO|O)(\r?\n)(?:X-Status: [ADFT]+\1)?(?P<keys>X-Keywords: [^\r\n]+\1)?"
    rb"X-Mozilla-Status: [0-9a-f]{4}\1X-Mozilla-Status2: 00000000\1"
    rb"(?(keys)X-Mozilla-Keys: [^\r\n]+\1)"
)


def take_leading_marks(head: bytes) -> tuple[bytes, Marks]:
    """As `take_marks`, for what an export put before the message and nothing else."""
    match = _LEADING.match(head)
    if match is None:
        return head, NOTHING
    return head[match.end() :], take_marks(match[0])[1]


def take_marks(head: bytes, *, has_length: bool = False) -> tuple[bytes, Marks]:
    """Take the fields out of a message's start. Gives what is left of it, and what they said.

    ``has_length``: a Content-Length that was right in its mbox is one of them.
    """
    end = min(header_end(head), HEADER_LIMIT)
    fields: dict[str, list[bytes]] = {}

    def take(match: re.Match[bytes]) -> bytes:
        name = match[1].decode("ascii").lower()
        if name == "content-length" and not has_length:
            return match[0]
        fields.setdefault(name, []).append(match[2])
        return b""

    # The line end before the empty line belongs to the last field.
    header = head[: end + 1] if end < len(head) else head
    left = _FIELD.sub(take, header)
    if not fields:
        return head, NOTHING
    return left + head[len(header) :], Marks(_flags(fields), _labels(fields))


def _flags(fields: dict[str, list[bytes]]) -> Flags | None:
    found: set[Flag] = set()
    texts = {name: _text(values) for name, values in fields.items()}
    for name, letters in (("status", _STATUS), ("x-status", _X_STATUS)):
        found |= {letters[each] for each in texts.get(name, "").upper() if each in letters}
    for name, bits in (("x-mozilla-status", _MOZILLA), ("x-mozilla-status2", _MOZILLA_2)):
        number = _hexadecimal(texts.get(name, ""))
        found |= {flag for bit, flag in bits.items() if number & bit}
    for name in ("x-keywords", "x-mozilla-keys"):
        words = texts.get(name, "").split()
        found |= {Flag(word) for word in words if _KEYWORD.fullmatch(word)}
    speaks = {"status", "x-status", "x-keywords", "x-mozilla-status", "x-mozilla-keys"}
    return frozenset(found) if speaks & texts.keys() else None


def _labels(fields: dict[str, list[bytes]]) -> tuple[str, ...] | None:
    if "x-gmail-labels" not in fields:
        return None
    text = decode_field(fields["x-gmail-labels"][0], _LABELS_LIMIT)
    labels = map(_unquoted, _LABEL.findall(text))
    return tuple(dict.fromkeys(label for label in labels if label))


def _unquoted(label: str) -> str:
    if len(label) > 1 and label.startswith('"') and label.endswith('"'):
        return label[1:-1].replace('""', '"').strip()
    return label.strip()


def _text(values: list[bytes]) -> str:
    return clean(b" ".join(values).decode("latin-1"))


def _hexadecimal(text: str) -> int:
    digits = text.strip()
    return int(digits, 16) if re.fullmatch(r"[0-9A-Fa-f]{1,8}", digits) else 0
