"""Up to which group of the journal the Maildirs are level, and what changed since then."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailvault.archive.journal import Journal, Position, TornTail
from mailvault.archive.private import sync_folder, write_file
from mailvault.errors import ArchiveError
from mailvault.mail.changes import (
    AccountAdded,
    MailboxChanged,
    MailboxDescribed,
    MailboxGone,
    Record,
)

MARKER = ".level.json"
_LARGEST = 1 << 16


class Marker:
    """A small file. Without it everything is looked at."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / MARKER

    def archive_id(self) -> str | None:
        """The archive that it belongs to."""
        found = self._read().get("archive")
        return found if isinstance(found, str) else None

    def read(self) -> Position | None:
        return Position.from_json(self._read())

    def write(self, position: Position, archive_id: str) -> None:
        """Move it; what it vouches for is durable."""
        content = {"archive": archive_id, **position.to_json()}
        write_file(self._path, json.dumps(content).encode() + b"\n")

    def _read(self) -> dict[str, Any]:  # Any: what JSON may hold
        try:
            with self._path.open("rb") as file:
                found = json.loads(file.read(_LARGEST))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def remove(self) -> None:
        """Have the next writer look at everything."""
        with suppress(FileNotFoundError, NotADirectoryError):
            self._path.unlink()
            sync_folder(self._path.parent)


@dataclass(frozen=True, slots=True)
class Touched:
    """Mailboxes that changed; ``mailbox_ids`` None means any. Folders may have moved, too."""

    mailbox_ids: frozenset[int] | None
    is_rearranged: bool

    def includes(self, mailbox_id: int) -> bool:
        return self.mailbox_ids is None or mailbox_id in self.mailbox_ids

    def __bool__(self) -> bool:
        return self.is_rearranged or self.mailbox_ids is None or bool(self.mailbox_ids)


EVERYTHING = Touched(None, is_rearranged=True)
NOTHING = Touched(frozenset(), is_rearranged=False)


def touched_since(journal: Journal, marked: Position | None) -> Touched:
    """What the groups behind a position changed."""
    if marked is None:
        return EVERYTHING
    mailbox_ids: set[int] = set()
    is_rearranged = False
    try:
        for each in journal.groups(after=marked):
            if isinstance(each, TornTail):
                return EVERYTHING  # a writer has cut it off, so the position is wrong
            for record in each.records:
                is_rearranged = is_rearranged or rearranges(record)
                if isinstance(record, MailboxChanged):
                    mailbox_ids.add(record.mailbox_id)
    except ArchiveError:
        return EVERYTHING
    return Touched(frozenset(mailbox_ids), is_rearranged)


def rearranges(record: Record) -> bool:
    """Whether a record may make, rename or end a folder."""
    return isinstance(record, AccountAdded | MailboxDescribed | MailboxGone)
