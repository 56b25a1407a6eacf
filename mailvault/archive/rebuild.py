"""Makes the catalog anew from the journal and the content, and the identity if it is lost."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive import dialect
from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.check import catalog_fault
from mailvault.archive.committer import Committer, Told
from mailvault.archive.identity import (
    has_identity,
    require_identity,
    write_identity,
)
from mailvault.archive.journal import Journal, Position
from mailvault.archive.layout import Layout, OpenContent, open_content
from mailvault.archive.lock import WriteLock
from mailvault.archive.private import explained, make_folder
from mailvault.archive.remaking import RETELL_HINT, finish_switch, forget_note, noted_end
from mailvault.archive.served.marker import Marker
from mailvault.archive.unfinished import read_mark
from mailvault.archive.witnesses import witnessed
from mailvault.errors import ArchiveDamaged, ArchiveTooNew
from mailvault.ports import Clock, ContentStore


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the new catalog was made from, and what it lacks."""

    groups: int
    messages: int
    unindexed: int


def rebuild_catalog(
    path: Path,
    *,
    clock: Clock,
    told: Told | None = None,
    content: OpenContent = open_content,
) -> Rebuilt:
    """Replace the catalog. The old one stays until the new one is complete and durable.

    Raises:
        ArchiveDamaged: the journal is broken, or ends before what a sound catalog knows; then
            the catalog was not changed.
    """
    with explained(path):
        if not has_identity(path):
            _restore_identity(path)
        layout = Layout(path, require_identity(path))
        with WriteLock.acquire(path, clock=clock):
            make_folder(layout.tmp)
            finish_switch(layout)
            expected = _known_groups(layout)
            draft = layout.tmp / layout.catalog.name
            rebuilt = _replay(layout, draft, content, told)
            if rebuilt.groups < expected:
                raise ArchiveDamaged(
                    f"the journal ends after {rebuilt.groups} groups, and {layout.catalog}"
                    f" knows {expected}",
                    hint=RETELL_HINT,
                )
            Marker(layout.maildirs).remove()  # so that the next writer looks at all of them
            dialect.replace_database(layout.catalog, draft)
            forget_note(layout)
    return rebuilt


def _known_groups(layout: Layout) -> int:
    """How many groups the journal must have: a sound catalog is not exchanged for less."""
    end = noted_end(layout)
    if end is not None:
        return end.sequence
    try:
        if dialect.is_absent(layout.catalog) or catalog_fault(layout.catalog) is not None:
            return 0
    except ArchiveTooNew:  # by a later release, or so it says
        return 0
    with Catalog(layout.catalog, dialect.open_reading(layout.catalog)) as catalog:
        return catalog.position().sequence


def _replay(layout: Layout, draft: Path, content: OpenContent, told: Told | None) -> Rebuilt:
    with closing(content(layout)) as store:
        return replay(layout.journal, layout.start, store, draft, told)


def replay(
    journal: Journal, start: Position, store: ContentStore, draft: Path, told: Told | None
) -> Rebuilt:
    """Make a catalog of a journal and of the messages that it names. It is durable then."""
    dialect.remove_database(draft)
    dialect.create_database(draft)
    with Catalog(draft, dialect.open_scratch(draft)) as catalog:
        catalog.create(start)
        committer = Committer(store, journal, catalog)
        groups = committer.catch_up(told)
        messages = catalog.status().messages
    dialect.make_durable(draft)
    return Rebuilt(groups, messages, committer.unindexed)


def _restore_identity(path: Path) -> None:
    """The journal knows whose it is, and the folders which store they belong to."""
    identity = witnessed(path)
    if identity is None or read_mark(path) is not None:
        require_identity(path)  # says what the folder is instead
        return
    write_identity(path, identity)
