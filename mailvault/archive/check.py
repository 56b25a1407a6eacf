"""Looks for damage to the structure of an archive: journal, content, catalog."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive import dialect
from mailvault.archive.catalog import schema
from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.journal import Journal, Position, TornTail
from mailvault.errors import ArchiveDamaged, ArchiveError
from mailvault.mail.model import Digest
from mailvault.ports import ContentStore, Finding


@dataclass(frozen=True, slots=True)
class Damage:
    """A `ports.Finding`. Kinds: journal, catalog, missing, and those of the store."""

    kind: str
    detail: str
    digest: Digest | None = None


def check_archive(
    journal: Journal, content: ContentStore, catalog: Catalog, start: Position
) -> Iterator[Finding]:
    """Find what is broken without reading all content. ``start`` is before the first group."""
    yield from check_journal(journal, start, catalog.position())
    yield from (Damage("catalog", fault) for fault in catalog.faults())
    yield from content.check()
    for digest in catalog.digests():
        if digest not in content:
            yield Damage("missing", "its octets are not in the content store", digest)


def check_journal(journal: Journal, start: Position, told: Position) -> Iterator[Finding]:
    """Read every group: the chain must hold, and reach what the catalog was told."""
    is_reached = told == start
    try:
        for each in journal.groups(after=start):
            if isinstance(each, TornTail):
                break  # a crash, and the next writer drops it
            is_reached = is_reached or each.position == told
    except ArchiveError as error:
        yield Damage("journal", str(error))
        return
    if not is_reached:
        yield Damage("journal", f"group {told.sequence}, known to the catalog, is missing")


def catalog_fault(path: Path) -> str | None:
    """Read a whole catalog; say what is wrong with it first of all."""
    try:
        with Catalog(path, dialect.open_reading(path)) as catalog:
            schema.is_current(catalog.engine, path)
            faults = catalog.faults()
            for _ in catalog.digests():
                pass
    except ArchiveDamaged as error:
        return str(error)
    return f"{path}: {faults[0]}" if faults else None
