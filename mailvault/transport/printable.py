"""Server text made fit to be shown: nothing in it may move a cursor or pass as ours."""

import unicodedata

LONGEST = 300

# Cc and Cf hold the terminal's control codes and the bidirectional overrides.
_UNSHOWABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: bytes | str) -> str:
    """Return server text on one line, without control characters, at most 300 characters."""
    if isinstance(text, bytes):
        text = text[: LONGEST * 8].decode("utf-8", "replace")
    shown = "".join(
        " " if unicodedata.category(character) in _UNSHOWABLE else character
        for character in text[: LONGEST * 8]
    )
    shown = " ".join(shown.split())
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"
