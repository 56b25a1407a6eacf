"""Maildir: file names, flags, and the folders of mailboxes.

https://cr.yp.to/proto/maildir.html, Maildir++ (Courier's README.maildirquota), and Dovecot's
additions: ``S=`` and ``W=`` in the name, keywords as letters, ``dovecot-keywords``.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mailvault.mail.model import (
    ANSWERED,
    DELETED,
    DRAFT,
    FLAGGED,
    INBOX,
    SEEN,
    Flag,
    Flags,
    MailboxName,
)

FORWARDED = Flag("$Forwarded")

_LETTERS = {
    DRAFT: "D",
    FLAGGED: "F",
    FORWARDED: "P",
    ANSWERED: "R",
    SEEN: "S",
    DELETED: "T",
}
_FLAGS = {letter: flag for flag, letter in _LETTERS.items()}

_KEYWORD = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\\][^\s\x00-\x1f\x7f-\x9f]{0,200}")
_KEYWORD_LINE = re.compile(r"(\d{1,2}) (\S+)")
_FILE_NAME = re.compile(
    r"(?P<base>[^:]+?)(?P<fields>(?:,[A-Z]=[^,:]*)*)(?::2,(?P<letters>[A-Za-z]*))?"
)

_SURROGATE = re.compile("([\ud800-\udfff])")
_RESERVED = re.compile(
    r"(?:cur|new|tmp|subscriptions|maildirfolder|dovecot.*)\Z", re.IGNORECASE | re.DOTALL
)


class Keywords:
    """The keywords of a mailbox and their letters, a to z: more a Maildir cannot hold."""

    LIMIT = 26

    def __init__(self, names: Iterable[tuple[int, Flag]] = ()) -> None:
        self._names = dict(names)
        self._numbers = {name: number for number, name in self._names.items()}

    @classmethod
    def parse(cls, text: str) -> "Keywords":
        """Read ``dovecot-keywords``: a number and a keyword a line. Ignores what is not."""
        lines = map(_KEYWORD_LINE.fullmatch, text.splitlines()[: cls.LIMIT])
        pairs = ((int(line[1]), Flag(line[2])) for line in lines if line)
        return cls(pair for pair in pairs if pair[0] < cls.LIMIT)

    def encode(self) -> str:
        return "".join(f"{number} {name}\n" for number, name in sorted(self._names.items()))

    def letter(self, keyword: Flag) -> str | None:
        """The letter of a keyword, a new one if need be; None if there is none left."""
        number = self._numbers.get(keyword)
        if number is None:
            number = next((n for n in range(self.LIMIT) if n not in self._names), None)
            if number is None or not _KEYWORD.fullmatch(keyword):
                return None
            self._names[number] = keyword
            self._numbers[keyword] = number
        return chr(ord("a") + number)

    def keyword(self, letter: str) -> Flag | None:
        return self._names.get(ord(letter) - ord("a"))

    def __bool__(self) -> bool:
        return bool(self._names)


def letters(flags: Flags, keywords: Keywords) -> tuple[str, Flags]:
    """The letters of ``flags`` in ASCII order, and the flags a Maildir cannot hold.

    ``$Forwarded`` gets the letter P as well as one of its own, for Dovecot knows only that.
    """
    found = {_LETTERS[flag] for flag in flags if flag in _LETTERS}
    lost = set()
    for flag in sorted(flags):
        if flag in _LETTERS and flag != FORWARDED:
            continue
        letter = keywords.letter(flag)
        if letter:
            found.add(letter)
        elif flag != FORWARDED:
            lost.add(flag)
    return "".join(sorted(found)), frozenset(lost)


def flags(letters: str, keywords: Keywords) -> Flags:
    """The flags that letters stand for; unknown letters stand for none."""
    found = (
        _FLAGS.get(letter) or (keywords.keyword(letter) if letter.islower() else None)
        for letter in letters
    )
    return frozenset(flag for flag in found if flag)


@dataclass(frozen=True, slots=True)
class FileName:
    """A message's file name: ``base,S=size,W=size with CRLF:2,letters``."""

    base: str
    letters: str = ""
    size: int | None = None
    crlf_size: int | None = None

    def __str__(self) -> str:
        size = "" if self.size is None else f",S={self.size}"
        crlf_size = "" if self.crlf_size is None else f",W={self.crlf_size}"
        return f"{self.base}{size}{crlf_size}:2,{self.letters}"

    @classmethod
    def parse(cls, name: str) -> "FileName | None":
        """Read a file name, with or without sizes and letters; None if it is not one."""
        match = _FILE_NAME.fullmatch(name)
        if match is None or name.startswith("."):
            return None
        fields = dict(field.split("=", 1) for field in match["fields"].split(",")[1:])
        return cls(
            match["base"], match["letters"] or "", _number(fields, "S"), _number(fields, "W")
        )


def _number(fields: dict[str, str], name: str) -> int | None:
    value = fields.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None


Encode = Callable[[str], bytes]
"""How a level's name is written on disk: modified UTF-7, for a stock Dovecot."""


def maildir_plus_plus(name: MailboxName, encode: Encode) -> list[tuple[tuple[str, ...], str]]:
    """Maildir++: INBOX is the folder itself, the others ``.level.level`` in it."""
    if name == INBOX:
        return []
    levels = [_escape(part, encode, r"[/\\.]") for part in name.parts]
    return [(name.parts, "".join("." + level for level in levels))]


def file_system(name: MailboxName, encode: Encode) -> list[tuple[tuple[str, ...], str]]:
    """Dovecot's LAYOUT=fs: a folder a level, which holds both messages and further levels."""
    if name == INBOX:
        return []
    levels = [_unreserved(file_system_level(part, encode)) for part in name.parts]
    return [(name.parts[: depth + 1], level) for depth, level in enumerate(levels)]


def file_system_level(part: str, encode: Encode) -> str:
    """One level of LAYOUT=fs; Maildirs or Dovecot may still give the name a meaning."""
    return _escape(part, encode, r"[/\\]|\A[.~]")


def _escape(part: str, encode: Encode, special: str) -> str:
    r"""Escape what a path or the layout gives a meaning, as Dovecot's listescape: ``\2e``.

    ``\_d800`` and ``\-`` are ours: for a lone surrogate, which modified UTF-7 cannot write and
    Dovecot cannot read, and for a name that is empty.
    """
    first, *others = _SURROGATE.split(part)
    text = _escape_run(first, encode, special)
    for surrogate, run in zip(others[::2], others[1::2], strict=True):
        text += f"\\_{ord(surrogate):04x}" + _escape_run(run, encode, special)
    return text or "\\-"


def _escape_run(run: str, encode: Encode, special: str) -> str:
    return re.sub(special + r"|[ .]\Z", _backslash, encode(run).decode("ascii"))


def _unreserved(text: str) -> str:
    return re.sub(r"\A.", _backslash, text) if _RESERVED.match(text) else text


def _backslash(match: re.Match[str]) -> str:
    return f"\\{ord(match[0]):02x}"
