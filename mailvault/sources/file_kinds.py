"""What a file is, by its first octets; its name only counts where they say nothing."""

import re
from enum import StrEnum

from mailvault.mail.headers import header_end
from mailvault.mail.mbox_lines import LONGEST_LINE, begins_field, is_bare, read_from_line
from mailvault.sources.archive_trees import ZIP_MAGIC, is_tar

SNIFFED = 64 * 1024
"""Octets that are looked at."""

PST_MAGIC = b"!BDN"
_MMDF = b"\1\1\1\1\n"

# What mail programs keep beside mail, and would be opened for nothing.
_NO_MAIL = re.compile(
    r".*\.msf|dovecot[.-].*|courierimap.*|maildir(?:folder|size)|subscriptions"
    r"|table_of_contents(?:\.plist)?|\.?mailvault-export\.jsonl",
    re.IGNORECASE | re.DOTALL,
)
_USUAL_FIELD = re.compile(
    rb"(?<![^\n])(?:from|to|subject|date|received|return-path|message-id|delivered-to"
    rb"|mime-version)[ \t]*:",
    re.IGNORECASE,
)
_NESTED = re.compile(r"\.(?:7z|rar|msg|dbx|olm)\Z", re.IGNORECASE)
_MBOX_NAME = re.compile(r"\.(?:mbox|mbx)\Z|\A(?:mbox|INBOX)\Z", re.IGNORECASE)


class Kind(StrEnum):
    MBOX = "mbox"
    MESSAGE = "message"
    """Has a header like that of a message."""
    EMPTY = "empty"
    PACKED = "packed"
    """An archive in an archive or folder, or a format that nobody here reads."""
    OTHER = "other"


def is_known_companion(name: str) -> bool:
    """Whether a mail program keeps this beside mail: an index, a setting."""
    return _NO_MAIL.fullmatch(name) is not None


def is_named_mbox(name: str) -> bool:
    return _MBOX_NAME.search(name) is not None


def kind_of(name: str, start: bytes) -> Kind:
    """Judge a file by its (unpacked) start."""
    if not start:
        return Kind.EMPTY
    magics = (ZIP_MAGIC, PST_MAGIC, _MMDF)
    if is_tar(start) or start.startswith(magics) or _NESTED.search(name):
        return Kind.PACKED
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"From "):
        line = text[: text.find(b"\n", 0, LONGEST_LINE) + 1]
        following = text[len(line) : len(line) + LONGEST_LINE]
        if read_from_line(line) or is_bare(line) or begins_field(following):
            return Kind.MBOX
    is_message = begins_field(text) and _USUAL_FIELD.search(text, 0, header_end(text))
    return Kind.MESSAGE if is_message else Kind.OTHER


def has_labels(start: bytes) -> bool:
    """Whether an mbox that begins so comes from Google Takeout."""
    return b"\nx-gmail-labels:" in start.lower()
