"""Reads FETCH responses (RFC 9051 7.5.2): a fast way for what we ask, a general one for all.

Both give the same value for the same response; a test holds them to it.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from mailvault.mail.model import RECENT, Flag, Flags, Uid
from mailvault.protocols.imap import utf7
from mailvault.protocols.imap.dates import parse_internal_date
from mailvault.protocols.imap.lexer import Response
from mailvault.protocols.imap.scanner import Scanner, Tree
from mailvault.protocols.imap.types import MAX_NUMBER64, Body, Fetch, Section, number_in
from mailvault.protocols.imap.uidset import MAXIMUM

# The items we ask for, in any order, up to the body. A repeated group keeps what it matched
# last, so each stands for its item wherever that was. UIDs near 2**32 go the general way,
# which checks them.
_FAST = re.compile(
    rb"""\*[ ]([0-9]{1,10})[ ]FETCH[ ]\(
    (?:(?:
        UID[ ]([0-9]{1,9} | [1-3][0-9]{9})
      | FLAGS[ ]\(([^()"{]*)\)
      | INTERNALDATE[ ]"([^"\\]*)"
      | RFC822\.SIZE[ ]([0-9]{1,18})
      | MODSEQ[ ]\(([0-9]{1,18})\)
    )(?:[ ]|(?=\)\Z)))*+
    (?: \)
      | (BODY)\[\][ ]\{[0-9]+\}
      | BODY\[(HEADER\.FIELDS[ ]\([^()\]]*\))\][ ]\{[0-9]+\}
    )\Z""",
    re.VERBOSE,
)

_OPENING = re.compile(rb" ?\(")
_ITEM = re.compile(rb"([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?(<[0-9]+>)?(?: +|(?=\())")
_FLAGS = re.compile(rb"\(([^()]*)\)|NIL", re.IGNORECASE)
_NUMBER = re.compile(rb"[0-9]{1,20}")
_WHOLE = frozenset({b"BODY", b"BINARY", b"RFC822"})  # the names of the whole message
_PARTS = frozenset({b"RFC822.HEADER", b"RFC822.TEXT"})


def parse_fast(response: Response) -> Fetch | None:
    """Read a FETCH of the usual shape; None means: ask `parse_items`."""
    match = _FAST.match(response.texts[0])
    if match is None:
        return None
    sequence, uid, flags, date, size, modseq, body, section = match.groups()
    literals = response.literals
    if literals and (len(literals) > 1 or response.texts[1] != b")"):
        return None
    return Fetch(
        int(sequence),
        Uid(int(uid)) if uid else None,
        parse_flags(flags) if flags is not None else None,
        parse_internal_date(date) if date else None,
        int(size) if size else None,
        int(modseq) if modseq else None,
        literals[0] if body else None,
        (Section(section.decode("latin-1"), literals[0]),) if section else (),
    )


def parse_flags(words: bytes) -> Flags:
    r"""Read the flags between parentheses. ``\Recent`` is of the session: RFC 3501 2.3.2."""
    return _flags_seen_before(words) if len(words) <= 256 else _read_flags(words)


def _read_flags(words: bytes) -> Flags:
    flags = (Flag(utf7.decode_utf8(word)) for word in words.split())
    return frozenset(flag for flag in flags if flag.lower() != RECENT.lower())


# A mailbox has a few dozen combinations of flags, and a scan reads them a million times.
_flags_seen_before = lru_cache(maxsize=4096)(_read_flags)


def parse_items(sequence: int, scanner: Scanner) -> Fetch:
    """Read the items of a FETCH, whatever they are. Raises ProtocolViolation."""
    items = _Items()
    scanner.expect(_OPENING, "a FETCH")
    scanner.skip_blanks()
    while not scanner.skips(b")"):
        name, section, origin = scanner.expect(_ITEM, "a FETCH item").groups()
        items.read(name.upper(), _section(section, origin), scanner)
        scanner.skip_blanks()
    return items.fetch(sequence)


def _section(section: bytes | None, origin: bytes | None) -> bytes | None:
    """BODY[] has the empty section; a partial one keeps its origin, so it is never whole."""
    if section is None and origin is None:
        return None
    return (section or b"") + (origin or b"")


@dataclass(slots=True)
class _Items:
    """The items of one FETCH as they are read."""

    uid: Uid | None = None
    flags: Flags | None = None
    internal_date: datetime | None = None
    size: int | None = None
    modseq: int | None = None
    body: Body | None = None
    sections: tuple[Section, ...] = ()
    email_id: str | None = None
    thread_id: str | None = None
    gmail_message_id: str | None = None
    gmail_labels: tuple[str, ...] | None = None

    def read(self, name: bytes, section: bytes | None, scanner: Scanner) -> None:
        """Read the value of an item; what we know nothing of is stepped over."""
        if name in _WHOLE and (section == b"" or (name == b"RFC822" and section is None)):
            self._read_body(scanner)
        elif section is not None or name in _PARTS:
            self._read_section(section if section is not None else name, scanner)
        elif name == b"FLAGS":
            self.flags = parse_flags(scanner.expect(_FLAGS, "a list of flags")[1] or b"")
        elif name == b"UID":
            self.uid = Uid(_number(scanner, MAXIMUM))
        elif name == b"RFC822.SIZE":
            self.size = _number(scanner, MAX_NUMBER64)
        else:
            self._read_value(name, scanner.value())

    def fetch(self, sequence: int) -> Fetch:
        return Fetch(
            sequence,
            self.uid,
            self.flags,
            self.internal_date,
            self.size,
            self.modseq,
            self.body,
            self.sections,
            self.email_id,
            self.thread_id,
            self.gmail_message_id,
            self.gmail_labels,
        )

    def _read_body(self, scanner: Scanner) -> None:
        if self.body is not None:
            raise scanner.violation("two bodies in one FETCH")
        self.body = _octets(scanner)

    def _read_section(self, name: bytes, scanner: Scanner) -> None:
        section = Section(name.decode("latin-1"), _octets(scanner))
        self.sections = (*self.sections, section)

    def _read_value(self, name: bytes, value: Tree) -> None:
        if name == b"INTERNALDATE":
            self.internal_date = (
                parse_internal_date(value) if isinstance(value, bytes) else None
            )
        elif name == b"MODSEQ":
            self.modseq = number_in((_word(value) or "").encode())
        elif name == b"EMAILID":
            self.email_id = _word(value)
        elif name == b"THREADID":
            self.thread_id = _word(value)
        elif name == b"X-GM-MSGID":
            self.gmail_message_id = _word(value)
        elif name == b"X-GM-LABELS":
            labels = value if isinstance(value, list) else []
            self.gmail_labels = tuple(
                utf7.decode(label) for label in labels if isinstance(label, bytes)
            )


def _octets(scanner: Scanner) -> Body | None:
    """Read a literal, a quoted string or NIL."""
    value = scanner.value()
    if isinstance(value, list):
        raise scanner.violation("a list in the place of octets")
    return value


def _number(scanner: Scanner, maximum: int) -> int:
    number = int(scanner.expect(_NUMBER, "a number")[0])
    if number > maximum:
        raise scanner.violation("a number out of range")
    return number


def _word(value: Tree) -> str | None:
    """Read ``word`` or ``(word)``."""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else None
