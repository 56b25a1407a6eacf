"""Where things lie in an archive's folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from mailvault.archive.identity import Identity
from mailvault.archive.journal import Journal, Position, beginning
from mailvault.errors import ArchiveError
from mailvault.ports import ContentStore

OpenContent: TypeAlias = Callable[["Layout"], ContentStore]


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of one archive. Making one touches nothing."""

    path: Path
    identity: Identity

    @property
    def catalog(self) -> Path:
        return self.path / "catalog.db"

    @property
    def content(self) -> Path:
        return self.path / "content"

    @property
    def maildirs(self) -> Path:
        return self.path / "maildir"

    @property
    def tmp(self) -> Path:
        return tmp_folder(self.path)

    @property
    def journal(self) -> Journal:
        return Journal(journal_folder(self.path), self.identity.id)

    @property
    def start(self) -> Position:
        """The position before the journal's first group."""
        return beginning(self.identity.id)


def journal_folder(path: Path) -> Path:
    return path / "journal"


def tmp_folder(path: Path) -> Path:
    return path / "tmp"


def open_content(layout: Layout) -> ContentStore:
    """Open the store that the archive was created with; only that one is loaded."""
    if layout.identity.store == "sqlite":
        from mailvault.archive.content.sqlite import SqliteStore

        return SqliteStore(layout.content, archive_id=layout.identity.id, tmp=layout.tmp)
    if layout.identity.store == "maildir":
        from mailvault.archive.content.maildir import MaildirStore

        return MaildirStore(layout.content, tmp=layout.tmp)
    raise ArchiveError(
        f"{layout.path}: this release cannot open archives of kind {layout.identity.store!r}",
        hint="install a newer mailvault",
    )
