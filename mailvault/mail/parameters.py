"""Parameters of MIME fields: ``type/subtype; name="a.pdf"``, with RFC 2231 and RFC 2047."""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from mailvault.mail import charsets
from mailvault.mail.headers import TEXT_LIMIT, clean, decode_field, unfold
from mailvault.mail.remembering import remembering

_SEGMENTS = 100

_PARAMETER = re.compile(
    rb';\s*+([^\s=;"]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^;]*+))', re.DOTALL
)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_TOKEN = re.compile(rb"[A-Za-z0-9!#$&^_.+/-]{1,150}")
_CONTINUED = re.compile(r"(.+?)\*(?:([0-9]{1,3})(\*)?)?")


@remembering(256)
def split_field(raw: bytes) -> tuple[str, Mapping[str, str]]:
    """The value of a field in lower case, "" if it has none, and its parameters."""
    raw = unfold(raw)
    match = _TOKEN.match(raw)
    value = match[0].decode("ascii").lower() if match else ""
    return value, _parameters(raw) if b"=" in raw else {}


def _parameters(raw: bytes) -> dict[str, str]:
    plain: dict[str, str] = {}
    extended: dict[str, dict[int, tuple[bool, bytes]]] = {}
    for field, quoted, bare in _PARAMETER.findall(raw):
        name = field.decode("latin-1").lower()
        octets = _QUOTED_PAIR.sub(rb"\1", quoted) if quoted else bare.strip().lstrip(b'"')
        continued = _CONTINUED.fullmatch(name)
        if continued is None:
            plain.setdefault(name, decode_field(octets))
            continue
        segments = extended.setdefault(continued[1], {})
        is_encoded = continued[2] is None or continued[3] is not None
        if len(segments) < _SEGMENTS:
            segments.setdefault(int(continued[2] or 0), (is_encoded, octets))
    for name, segments in extended.items():
        plain[name] = _joined(segments)
    return plain


def _joined(segments: dict[int, tuple[bool, bytes]]) -> str:
    """Put the continuations of RFC 2231 3 together and decode them."""
    charset = None
    octets = b""
    for number, (is_encoded, piece) in sorted(segments.items()):
        if is_encoded and number == 0 and piece.count(b"'") >= 2:
            name, _, piece = piece.split(b"'", 2)
            charset = name.decode("latin-1")
        octets += unquote_to_bytes(piece) if is_encoded else piece
    return clean(charsets.decode(octets, charset))[:TEXT_LIMIT].strip()
