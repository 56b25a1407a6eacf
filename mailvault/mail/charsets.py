"""Octets in a charset that somebody names, as text: tolerant, and never an error.

The name comes from a message, so it only ever picks from a table: it imports nothing.
"""

import re
from encodings.aliases import aliases
from functools import lru_cache

_NOT_TEXT = frozenset({"mbcs", "oem", "rot_13"})  # and everything that ends in _codec

_MEANT = {
    # What a mailer calls latin-1 or gb2312 is nearly always the superset of it that browsers
    # read (WHATWG Encoding 4.2).
    "iso8859_1": "cp1252",
    "latin_1": "cp1252",
    "ascii": "",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x_gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "x_sjis": "cp932",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "windows_874": "cp874",
    "x_mac_roman": "mac_roman",
    "utf8mb4": "utf_8",
}

_CODECS = frozenset(
    codec
    for codec in aliases.values()
    if codec not in _NOT_TEXT and not codec.endswith("_codec")
)

_SEPARATORS = re.compile(r"[^a-z0-9]+")


def decode(octets: bytes, charset: str | None = None) -> str:
    """Read ``octets`` in ``charset``; in UTF-8, else windows-1252, if that is unknown."""
    codec = _codec(charset) if charset else ""
    if codec:
        try:
            return octets.decode(codec, "replace")
        except (UnicodeError, ValueError):  # some codecs refuse what they cannot replace
            pass
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("cp1252", "replace")


@lru_cache(maxsize=256)
def _codec(charset: str) -> str:
    """The name of Python's codec for a charset, "" if there is none to trust."""
    name = _SEPARATORS.sub("_", charset[:64].lower()).strip("_")
    name = aliases.get(name, name)
    name = _MEANT.get(name, name)
    return name if name in _CODECS or name in _MEANT.values() else ""
