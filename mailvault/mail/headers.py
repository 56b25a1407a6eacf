"""Header fields as text: where the header ends, unfolding, encoded words, cleaning.

Tolerant and linear: nothing here raises, whatever the octets are. What comes out holds no
control characters and no lone surrogates, so it may go to a database, to JSON, to a terminal.
"""

import binascii
import re
from collections.abc import Callable

from mailvault.mail import charsets
from mailvault.mail.remembering import remembering

HEADER_LIMIT = 256 * 1024
"""Octets of a header block that are looked at."""

FIELD_LIMIT = 16 * 1024
"""Octets of one field that are looked at."""

TEXT_LIMIT = 1000
"""Characters of a field that are kept."""

_BLANK_LINE = re.compile(rb"\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_WORD = re.compile(rb"=\?([^?*\s=]{1,60})(?:\*[^?\s]{0,60})?\?([BbQq])\?")
_SPACES = re.compile("[\t-\r\x85\u2028\u2029]")
# C0, DEL and C1; the bidirectional overrides, which make a text read as another; surrogates.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def header_end(octets: bytes) -> int:
    """Where the first empty line begins; the limit, if there is none before it."""
    if octets.startswith((b"\n", b"\r\n")):
        return 0
    blank = _BLANK_LINE.search(octets, 0, HEADER_LIMIT)
    return blank.start() if blank else HEADER_LIMIT


def field_finder(names: str) -> Callable[[bytes], list[tuple[bytes, bytes]]]:
    """Make a function that finds the fields called ``a|b|c`` at the start of a message."""
    field = rf"({names})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*+)".encode()
    # Two patterns, because one that begins with a plain line feed is searched much faster.
    first = re.compile(field, re.IGNORECASE)
    others = re.compile(rb"\n" + field, re.IGNORECASE)

    def find(octets: bytes) -> list[tuple[bytes, bytes]]:
        end = header_end(octets)
        found = others.findall(octets, 0, end)
        if at_start := first.match(octets, 0, end):
            found.insert(0, (at_start[1], at_start[2]))
        return found

    return find


@remembering(1024)
def decode_field(raw: bytes, limit: int = TEXT_LIMIT) -> str:
    """A field's value for a person: unfolded, RFC 2047 words decoded, clean, cut."""
    raw = unfold(raw)
    if b"=?" in raw:
        return clean(_decode_words(raw))[:limit].strip()
    return clean(charsets.decode(raw))[:limit].strip()


def unfold(raw: bytes) -> bytes:
    """Join the lines of a field (RFC 5322 2.2.3) by one blank; cut what nobody will read."""
    raw = raw[:FIELD_LIMIT]
    if b"\n" in raw:
        raw = _FOLD.sub(b" ", raw)
    return raw.strip()


def clean(text: str) -> str:
    """Drop what must not reach a terminal, a database or JSON."""
    if text.isprintable():
        return text
    return _UNSAFE.sub("", _SPACES.sub(" ", text))


def _decode_words(raw: bytes) -> str:
    """Decode the encoded words of RFC 2047, however long, wherever they stand."""
    pieces: list[tuple[str | None, bytes]] = []
    done = 0
    word = _WORD.search(raw)
    while word:
        end = raw.find(b"?=", word.end())
        if end < 0:
            break
        _add(pieces, None, raw[done : word.start()])
        # RFC 2231 5: a language may follow the charset; it is not needed here.
        _add(
            pieces, word[1].decode("latin-1").lower(), _decoded(word[2], raw[word.end() : end])
        )
        done = end + 2
        word = _WORD.search(raw, done)
    _add(pieces, None, raw[done:])
    return "".join(charsets.decode(octets, charset) for charset, octets in pieces)


def _add(pieces: list[tuple[str | None, bytes]], charset: str | None, octets: bytes) -> None:
    """Append a piece; words of one charset become one, for a character may be split."""
    if charset is None:
        if octets:
            pieces.append((None, octets))
        return
    if (
        len(pieces) > 1
        and pieces[-1][0] is None
        and pieces[-2][0]
        and not pieces[-1][1].strip()
    ):
        del pieces[-1]  # RFC 2047 6.2: white space between two words is not displayed
    if pieces and pieces[-1][0] == charset:
        octets = pieces.pop()[1] + octets
    pieces.append((charset, octets))


def _decoded(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"Qq":
        return binascii.a2b_qp(text, header=True)
    return decode_base64(text)


def decode_base64(text: bytes) -> bytes:
    """Decode as much as can be: foreign characters are skipped, missing padding is added."""
    digits = _NOT_BASE64.sub(b"", text)
    rest = len(digits) % 4
    if rest == 1:  # six bits are no octet
        digits = digits[:-1]
    elif rest:
        digits += b"=" * (4 - rest)
    return binascii.a2b_base64(digits)
