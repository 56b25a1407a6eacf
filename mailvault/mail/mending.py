"""What servers object to in a message, and how it can be made acceptable. Pure.

Mending changes octets, so nobody does it unasked: see `restore --fix`.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from enum import Enum

from mailvault.mail.headers import header_end

LONGEST_LINE = 998  # RFC 5322 2.1.1, without CRLF

_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_LINE_END = re.compile(rb"\r*\n|\r")
_LONG = re.compile(rb"[^\r\n]{%d}" % (LONGEST_LINE + 1))
_LONG_LINE = re.compile(rb"[^\r\n]{%d,}" % (LONGEST_LINE + 1))
_ABOVE_ASCII = re.compile(rb"[\x80-\xff]")
_WORD = re.compile(rb"[^\s]*[\x80-\xff][^\s]*")


class Fault(Enum):
    """What some servers refuse."""

    NUL = "it has NUL octets"
    HEADER = "its header has octets above ASCII"
    LONG_LINES = f"it has lines of more than {LONGEST_LINE} octets"
    LINE_ENDS = "it has bare line feeds or carriage returns"
    END = "it does not end with a line end"


def faults(octets: bytes) -> list[Fault]:
    """What servers may object to."""
    found = {
        Fault.NUL: b"\0" in octets,
        Fault.HEADER: _ABOVE_ASCII.search(octets[: header_end(octets)]) is not None,
        Fault.LONG_LINES: _LONG.search(octets) is not None,
        Fault.LINE_ENDS: _BARE.search(octets) is not None,
        Fault.END: not octets.endswith(b"\r\n"),
    }
    return [fault for fault, is_there in found.items() if is_there]


def mended(octets: bytes, fault: Fault) -> bytes:
    """The message without the fault, and otherwise as it was."""
    return _MENDERS[fault](octets)


def description(fault: Fault) -> str:
    """What `mended` does about it."""
    return _DESCRIPTIONS[fault]


def _without_nul(octets: bytes) -> bytes:
    return octets.replace(b"\0", b"\x80")


def _with_ascii_header(octets: bytes) -> bytes:
    end = header_end(octets)
    return _WORD.sub(_encoded_word, octets[:end]) + octets[end:]


def _encoded_word(word: re.Match[bytes]) -> bytes:
    """RFC 2047, in several words of at most 75 characters if need be."""
    octets = word[0]
    charset = b"utf-8" if _is_utf8(octets) else b"unknown-8bit"  # RFC 1428 3
    pieces = _pieces(octets) if charset == b"utf-8" else _cut(octets, 39)
    return b" ".join(b"=?%s?B?%s?=" % (charset, b64encode(piece)) for piece in pieces)


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _pieces(octets: bytes) -> list[bytes]:
    """Cut between characters: RFC 2047 5 wants each word to be whole."""
    pieces = [b""]
    for character in octets.decode("utf-8"):
        encoded = character.encode()
        if len(pieces[-1]) + len(encoded) > 39:
            pieces.append(b"")
        pieces[-1] += encoded
    return pieces


def _cut(octets: bytes, length: int) -> list[bytes]:
    return [octets[start : start + length] for start in range(0, len(octets), length)]


def _with_short_lines(octets: bytes) -> bytes:
    end = header_end(octets)
    head = _LONG_LINE.sub(lambda line: b"\r\n".join(_folded(line[0])), octets[:end])
    body = _LONG_LINE.sub(lambda line: b"\r\n".join(_wrapped(line[0])), octets[end:])
    return head + body


def _folded(line: bytes) -> list[bytes]:
    """RFC 5322 2.2.3: a header line is continued by a line that begins with a blank."""
    lines = []
    while len(line) > LONGEST_LINE:
        at = line.rfind(b" ", 1, LONGEST_LINE)
        if at > 0:
            lines.append(line[:at])
            line = line[at:]
        else:
            lines.append(line[: LONGEST_LINE - 1])
            line = b" " + line[LONGEST_LINE - 1 :]
    return [*lines, line]


def _wrapped(line: bytes) -> list[bytes]:
    """At a blank where there is one; the blank stays at the line's end."""
    lines = []
    while len(line) > LONGEST_LINE:
        at = line.rfind(b" ", LONGEST_LINE // 2, LONGEST_LINE) + 1 or LONGEST_LINE
        lines.append(line[:at])
        line = line[at:]
    return [*lines, line]


def _with_line_ends(octets: bytes) -> bytes:
    return _LINE_END.sub(b"\r\n", octets)


def _with_end(octets: bytes) -> bytes:
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"


_MENDERS: dict[Fault, Callable[[bytes], bytes]] = {
    Fault.NUL: _without_nul,
    Fault.HEADER: _with_ascii_header,
    Fault.LONG_LINES: _with_short_lines,
    Fault.LINE_ENDS: _with_line_ends,
    Fault.END: _with_end,
}

_DESCRIPTIONS = {
    Fault.NUL: "NUL octets became 0x80",
    Fault.HEADER: "words above ASCII in the header became encoded words",
    Fault.LONG_LINES: f"lines of more than {LONGEST_LINE} octets were broken",
    Fault.LINE_ENDS: "bare line feeds and carriage returns became CRLF",
    Fault.END: "a line end was added at the end",
}
