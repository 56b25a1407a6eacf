"""Mailbox names on the wire: modified UTF-7 (RFC 3501 5.1.3) or, once accepted, UTF-8.

Writing is strict. Reading is not: servers store what clients once sent, so names hold a
lone ``&``, raw UTF-8 or broken shifts. Those are read as they stand, and `ListItem.wire_name`
keeps the octets that the server will recognise.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error

_SHIFT = re.compile(r"&([^-&]*)(-?)")
_BASE64 = re.compile(r"[A-Za-z0-9+,]+")
_OUTSIDE = re.compile(r"[^\x20-\x7e]+|&")


def encode(name: str) -> bytes:
    """Write a name in modified UTF-7. Raises ValueError for lone surrogates."""
    return _OUTSIDE.sub(_shift, name).encode("ascii")


def decode(wire: bytes) -> str:
    """Read a name in modified UTF-7; what is not valid stays as it is. Never raises."""
    text = decode_utf8(wire)
    return _SHIFT.sub(_unshift, text) if "&" in text else text


def decode_utf8(wire: bytes) -> str:
    """Read a name in UTF-8, else in the one encoding that every octet is valid in."""
    try:
        return wire.decode("utf-8")
    except UnicodeDecodeError:
        return wire.decode("latin-1")


def _shift(outside: re.Match[str]) -> str:
    text = outside[0]
    if text == "&":
        return "&-"
    try:
        octets = text.encode("utf-16-be")
    except UnicodeEncodeError as error:
        raise ValueError(f"not a mailbox name: {text!r}") from error
    return "&" + b64encode(octets, b"+,").decode("ascii").rstrip("=") + "-"


def _unshift(shift: re.Match[str]) -> str:
    inside, end = shift.groups()
    if not inside:
        return "&"  # "&-", or a lone "&"
    if not end or not _BASE64.fullmatch(inside):
        return shift[0]
    try:
        octets = b64decode(inside + "=" * (-len(inside) % 4), b"+,")
        return octets.decode("utf-16-be")
    except (Base64Error, UnicodeDecodeError):
        return shift[0]
