"""What servers are known to change in a message that they store, and how to see it. Pure."""

import re

from mailvault.mail.headers import HEADER_LIMIT, header_end

_LINE_END = re.compile(rb"\r*\n|\r")
_RETURN = re.compile(rb"\r")
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_ABOVE_ASCII = re.compile(rb"[\x80-\xff]")
_X = bytes(range(128)) + b"X" * 128

_LINE_ENDS = "bare line feeds or carriage returns became CRLF"
_HEADER = "octets above ASCII in the header became X"  # Cyrus: munge8bit
_NUL = "NUL octets were replaced or removed"
_NUL_KEPT = (b"\x80", b"", b"X", b"?", b" ")  # what servers put in place of NUL
_END = "a line end was added at the end"


def explain(before: bytes, after: bytes) -> tuple[str, bool]:
    """Say how ``after`` differs, and whether that is all that servers are known to do."""
    found = []
    if _BARE.search(before) and not _BARE.search(after):
        found.append(_LINE_ENDS)
    if _ABOVE_ASCII.search(_head(before)) and not _ABOVE_ASCII.search(_head(after)):
        found.append(_HEADER)
    if b"\0" in before and b"\0" not in after:
        found.append(_NUL)
    if not before.endswith(b"\n") and after.endswith(b"\n"):
        found.append(_END)
    if found and is_same_letter(before, after):
        return "; ".join(found), True
    found.append(_difference(before, after))
    return "; ".join(found), False


def is_same_letter(before: bytes, after: bytes) -> bool:
    """Whether nothing differs but what servers are known to change."""
    if b"\0" not in before or b"\0" in after:
        return _are_alike(before, after)
    return any(_are_alike(before.replace(b"\0", kept), after) for kept in _NUL_KEPT)


def _are_alike(before: bytes, after: bytes) -> bool:
    # A bare carriage return becomes a line end, or (Courier) is left out.
    return any(
        _plain(ends.sub(instead, before)) == _plain(ends.sub(instead, after))
        for ends, instead in ((_LINE_END, b"\n"), (_RETURN, b""))
    )


def _plain(octets: bytes) -> bytes:
    """The message, with line feeds only, without all else that servers change."""
    octets = octets.rstrip(b"\n")
    end = header_end(octets)
    return octets[:end].translate(_X) + octets[end:]


def _head(octets: bytes) -> bytes:
    return octets[: header_end(octets)]


def _difference(before: bytes, after: bytes) -> str:
    same = next(
        (at for at, (one, two) in enumerate(zip(before, after, strict=False)) if one != two),
        min(len(before), len(after)),
    )
    where = "header" if same < min(header_end(before), HEADER_LIMIT) else "body"
    return (
        f"{len(before)} octets became {len(after)}, other from octet {same} on, in the {where}"
    )
