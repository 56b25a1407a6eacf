"""What an export of mailvault says of itself: its format, and which path is which mailbox."""

import json
from dataclasses import dataclass, field

from mailvault.mail.model import MailboxName
from mailvault.mail.pathnames import EXPORT_RECORD
from mailvault.sources.file_tree import Tree, TreePath

RECORD_NAMES = (EXPORT_RECORD, f".{EXPORT_RECORD}")
_LIMIT = 64 << 20


@dataclass(frozen=True, slots=True)
class ExportRecord:
    format: str
    mailboxes: dict[TreePath, MailboxName] = field(default_factory=dict)
    """By path, without the endings that files and folders get."""

    @property
    def has_status(self) -> bool:
        """Whether each message of an mbox has its flags before it."""
        return self.format.endswith("-status")

    def name(self, path: TreePath) -> MailboxName | None:
        plain = [part.removesuffix(".sbd") for part in path]
        if plain and self.format.startswith("mbox"):
            plain[-1] = plain[-1].removesuffix(".mbox")
        return self.mailboxes.get(tuple(plain))


def read_record(tree: Tree, path: TreePath, names: list[str]) -> ExportRecord | None:
    """The record among these files of a folder; None if it holds none of mailvault's."""
    found = next((name for name in RECORD_NAMES if name in names), None)
    if found is None:
        return None
    with tree.open((*path, found)) as file:
        octets = b""
        while len(octets) < _LIMIT and (piece := file.read(1 << 20)):
            octets += piece
    first, *others = [_object(line) for line in octets.splitlines()] or [{}]
    if first.get("mailvault_export") != 1 or not isinstance(first.get("format"), str):
        return None
    record = ExportRecord(str(first["format"]).removeprefix("zip-"))
    for entry in others:
        name, place = _texts(entry.get("mailbox")), _texts(entry.get("path"))
        if name and place is not None:
            record.mailboxes[place] = MailboxName(name)
    return record


def has_record(names: list[str]) -> bool:
    return any(name in names for name in RECORD_NAMES)


def _object(line: bytes) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _texts(value: object) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None
