"""What may reach a terminal: text from mail and servers, made harmless, and its width."""

import re
import sys
import unicodedata
from typing import TextIO

# C0, DEL and C1 (ESC among them) move cursors and change titles; the bidirectional controls
# make text read as another; line separators fake new lines.
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    """Return text on one line that cannot control a terminal."""
    spaced = re.sub(r"[\t\r\n]+", " ", text)
    return _LONE_SURROGATES.sub("\ufffd", _CONTROLS.sub("", spaced))


def printable_lines(text: str) -> str:
    """Return text whose only control characters are its line ends and tabs."""
    return "\n".join(
        "\t".join(printable(cell) for cell in line.split("\t"))
        for line in re.split(r"\r\n|\n|\r", text)
    )


def width(text: str) -> int:
    """Columns that text takes on a terminal (Unicode Standard Annex 11)."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


def shortened(text: str, columns: int) -> str:
    """Cut text to a number of columns, marking the cut."""
    if width(text) <= columns:
        return text
    kept = text[: columns - 1]
    while width(kept) > columns - 1:
        kept = kept[:-1]
    return kept + "…"


def padded(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


def is_interactive(stream: TextIO | None = None) -> bool:
    """Whether a person watches ``stream`` (standard error when none is given)."""
    try:
        return (stream or sys.stderr).isatty()
    except (ValueError, AttributeError):  # closed, or no stream at all
        return False
