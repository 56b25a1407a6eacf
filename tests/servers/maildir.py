"""Filling a Maildir as its owner would: thousands of messages in a second."""

import os
from collections.abc import Iterable
from pathlib import Path

from tests.corpus.letter import Letter

_SYSTEM_FLAGS = {
    "\\Draft": "D",
    "\\Flagged": "F",
    "\\Answered": "R",
    "\\Seen": "S",
    "\\Deleted": "T",
}


def fill(mailbox: Path, letters: Iterable[Letter], *, owner: tuple[int, int]) -> list[Path]:
    """Write letters into ``mailbox`` in the order of their UIDs to be; give their files.

    Dovecot numbers new files in the order of their names.
    """
    for name in ("cur", "new", "tmp"):
        _make_folder(mailbox / name, owner)
    keywords = _Keywords(mailbox / "dovecot-keywords")
    first = sum(1 for _ in (mailbox / "cur").iterdir())
    files = []
    for number, letter in enumerate(letters, first):
        letters_of_flags = "".join(sorted(map(keywords.letter, letter.flags)))
        path = mailbox / "cur" / f"{1000000000 + number}.M1P1.test:2,{letters_of_flags}"
        path.write_bytes(letter.octets)
        if letter.internal_date:
            seconds = letter.internal_date.timestamp()
            os.utime(path, (seconds, seconds))
        _give(path, owner)
        files.append(path)
    keywords.save(owner)
    return files


class _Keywords:
    """dovecot-keywords: the letters a to z of a mailbox's keywords."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self._names = [line.split(" ", 1)[1] for line in lines]

    def letter(self, flag: str) -> str:
        if flag in _SYSTEM_FLAGS:
            return _SYSTEM_FLAGS[flag]
        if flag not in self._names:
            self._names.append(flag)
        return chr(ord("a") + self._names.index(flag))

    def save(self, owner: tuple[int, int]) -> None:
        if self._names:
            numbered = (f"{number} {name}\n" for number, name in enumerate(self._names))
            self._path.write_text("".join(numbered))
            _give(self._path, owner)


def _make_folder(folder: Path, owner: tuple[int, int]) -> None:
    if not folder.exists():
        _make_folder(folder.parent, owner)
        folder.mkdir()
        _give(folder, owner)


def _give(path: Path, owner: tuple[int, int]) -> None:
    if os.geteuid() == 0:
        os.chown(path, *owner)
