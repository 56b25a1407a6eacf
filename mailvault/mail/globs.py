"""Which mailboxes are meant: ordered globs over the full name, with "/" between levels.

``*`` stands for any run of characters, "/" too; ``?`` for one. Brackets are literal, because
``[Gmail]`` is a name. ``!`` in front leaves out, and the last pattern that matches decides.
A list that begins with ``!`` starts from everything. A backslash makes ``* ? ! \\`` literal.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from mailvault.mail.model import MailboxName

_PIECE = re.compile(r"\\[*?!\\]|\*+|\?|[^*?\\]+|\\")


class MailboxGlobs:
    """Patterns as a user writes them, for instance ``["*", "!Trash", "!Lists/*"]``."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = tuple(patterns)
        self._rules = [_rule(pattern) for pattern in self.patterns]

    def matches(self, name: MailboxName) -> bool:
        text = _comparable(str(name))
        for leaves_out, regex in reversed(self._rules):
            if regex.fullmatch(text):
                return not leaves_out
        return bool(self._rules) and self._rules[0][0]

    def unmatched(self, names: Iterable[MailboxName]) -> tuple[str, ...]:
        """The patterns that matched none of ``names``: most likely a mistake."""
        texts = [_comparable(str(name)) for name in names]
        return tuple(
            pattern
            for pattern, (_, regex) in zip(self.patterns, self._rules, strict=True)
            if not any(regex.fullmatch(text) for text in texts)
        )

    def __repr__(self) -> str:
        return f"MailboxGlobs({list(self.patterns)!r})"


def _rule(pattern: str) -> tuple[bool, re.Pattern[str]]:
    leaves_out = pattern.startswith("!")
    return leaves_out, _compile(_comparable(pattern[1:] if leaves_out else pattern))


def _comparable(text: str) -> str:
    # What a keyboard types is NFC; some servers list NFD.
    first, slash, rest = unicodedata.normalize("NFC", text).partition("/")
    if first.upper() == "INBOX":  # RFC 9051 5.1
        first = "INBOX"
    return first + slash + rest


def _compile(pattern: str) -> re.Pattern[str]:
    """Compile to a regex that never goes back over a ``*`` it has settled."""
    runs: list[str] = [""]
    for piece in _PIECE.findall(pattern):
        if piece.startswith("*"):
            runs.append("")
        elif piece == "?":
            runs[-1] += "."
        else:
            runs[-1] += re.escape(piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece)
    first, *others = runs
    if not others:
        return re.compile(first, re.DOTALL)
    middle = "".join(f"(?>.*?{run})" for run in others[:-1] if run)
    return re.compile(f"{first}{middle}.*{others[-1]}", re.DOTALL)
