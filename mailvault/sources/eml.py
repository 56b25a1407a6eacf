"""Folders of files of one message each to import: .eml, and Apple Mail's .emlx."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from mailvault.errors import SourceError
from mailvault.mail.emlx import LIST_LIMIT, Properties, read_length, read_properties
from mailvault.mail.mbox_lines import LONGEST_LINE, read_from_line
from mailvault.sources.file_tree import Tree, TreePath
from mailvault.sources.message_octets import (
    AS_FOUND,
    Found,
    FoundMessage,
    Manner,
    UnreadMessage,
    arrival_date,
    as_on_the_wire,
    chunks_of,
    discard,
    gather,
    joined,
    with_head,
)
from mailvault.sources.opened_file import OpenedFile, Section
from mailvault.sources.unpacking import unpacked

EML = re.compile(r"\.(?:eml|rfc822|mime)(?:\.(?:gz|bz2|xz|zst))?\Z", re.IGNORECASE)
EMLX = re.compile(r"\.emlx\Z", re.IGNORECASE)
_PARTIAL = ".partial.emlx"
_TRIES = 3
_NUMBERS = re.compile(r"(\d{1,18})")


class EmlPortion:
    """The files of one folder."""

    kind = "eml"

    def __init__(
        self, tree: Tree, path: TreePath, names: list[str], manner: Manner = AS_FOUND
    ) -> None:
        self._tree = tree
        self._path = path
        self._names = names if tree.is_streamed else sorted(names, key=_natural)
        self._line_ends = manner.line_ends(as_on_the_wire)
        self._is_ours = manner.is_ours
        self.where = tree.where(path)

    def count(self) -> int:
        return len(self._names)

    def messages(self, spool_folder: Path) -> Iterator[Found]:
        partial = 0
        for name in self._names:
            partial += name.lower().endswith(_PARTIAL)
            yield self._read(name, spool_folder)
        if partial:
            raise SourceError(
                f"{self.where}: {partial} messages are partial: Apple Mail keeps their"
                " attachments elsewhere",
                hint="everything else of them is imported; to have them whole, let Apple Mail"
                " export the mailbox",
            )

    def _read(self, name: str, spool_folder: Path) -> Found:
        path = (*self._path, name)
        key = self._tree.where(path)
        try:
            for _ in range(_TRIES):
                with self._open(path, key) as file:
                    found = self._take(name, file, key, spool_folder)
                    if file.is_unchanged():
                        return found
                    discard(found.octets)
        except SourceError as error:
            return UnreadMessage(key, str(error))
        return UnreadMessage(key, f"{key} is being written to")

    def _open(self, path: TreePath, key: str) -> OpenedFile:
        opened = self._tree.open(path)
        return opened if self._is_ours else unpacked(opened, key)

    def _take(self, name: str, file: OpenedFile, key: str, spool_folder: Path) -> FoundMessage:
        if EMLX.search(name):
            return self._take_emlx(file, key, spool_folder)
        return self._take_eml(file, key, spool_folder, Properties())

    def _take_emlx(self, file: OpenedFile, key: str, spool_folder: Path) -> FoundMessage:
        start = file.read(64)
        found = read_length(start)
        if found is None:
            file.seek(0)
            return self._take_eml(file, key, spool_folder, Properties())
        length, offset = found
        if file.size is not None and offset + length > file.size:
            raise SourceError(f"{key} ends too early: it announces {length} octets")
        file.seek(offset + length)
        properties = read_properties(_at_most(LIST_LIMIT, file))
        message = Section(file, offset, length, file.modified)
        return self._take_eml(message, key, spool_folder, properties)

    def _take_eml(
        self, file: OpenedFile, key: str, spool_folder: Path, properties: Properties
    ) -> FoundMessage:
        head, rest = with_head(chunks_of(file))
        sent: datetime | None = None
        if not self._is_ours:
            head, sent = _without_from_line(head)
        octets, digest = gather(self._line_ends(head, joined(head, rest)), spool_folder)
        date = properties.received or sent or self._date(head, file)
        return FoundMessage(octets, digest, date, properties.flags, key=key)

    def _date(self, head: bytes, file: OpenedFile) -> datetime | None:
        """An export keeps INTERNALDATE as the file's time; times of other files say little."""
        if self._is_ours:
            return file.modified
        return arrival_date(head) or file.modified


def _without_from_line(head: bytes) -> tuple[bytes, datetime | None]:
    """Programs that save a single message may leave the line before it that an mbox has."""
    line = head[: head.find(b"\n", 0, LONGEST_LINE) + 1]
    from_line = read_from_line(line) if line.startswith(b"From ") else None
    return (head, None) if from_line is None else (head[len(line) :], from_line.date)


def _natural(name: str) -> list[tuple[int, str]]:
    """In the order a person expects: 2 before 10."""
    return [(int(each), "") if each.isdigit() else (0, each) for each in _NUMBERS.split(name)]


def _at_most(limit: int, file: OpenedFile) -> bytes:
    octets = b""
    while len(octets) < limit and (piece := file.read(limit - len(octets))):
        octets += piece
    return octets
