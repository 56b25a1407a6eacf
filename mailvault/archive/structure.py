"""Finds what is broken in the structure of an archive, and makes it whole again.

Structure is all but the messages: what the archive says of itself, the journal, the catalog
and the files of the content. Every step leaves an archive on which the next one can be done,
so it may be killed anywhere and begun again.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from mailvault.archive import dialect
from mailvault.archive.catalog import schema
from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.catalog.comparison import differences
from mailvault.archive.check import catalog_fault, check_journal
from mailvault.archive.committer import Committer
from mailvault.archive.identity import Identity, require_identity, write_identity
from mailvault.archive.journal import Group, Journal, TornTail
from mailvault.archive.journal_salvage import Gap, SavedGroup, saved_groups
from mailvault.archive.layout import Layout, OpenContent, open_content
from mailvault.archive.lock import WriteLock
from mailvault.archive.mending import Mender
from mailvault.archive.private import explained, make_folder
from mailvault.archive.quarantine import free_place
from mailvault.archive.rebuild import rebuild_catalog
from mailvault.archive.remaking import exchange, finish, write_journal
from mailvault.archive.retelling import retell
from mailvault.archive.witnesses import witnessed
from mailvault.errors import ArchiveDamaged, ArchiveError, ArchiveMissing
from mailvault.ports import Clock, Salvaging

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """What is broken of a part of the archive, and what is done about it."""

    part: str  # identity, journal, catalog, content or maildir
    fault: str
    remedy: str


def diagnose(path: Path, *, clock: Clock, content: OpenContent = open_content) -> list[Step]:
    """Say what `mend` would do. Changes nothing, and holds the lock meanwhile.

    Raises:
        ArchiveMissing: there is no archive.
        ArchiveDamaged: nothing says which archive this is.
    """
    with explained(path):
        identity, steps = _identity(path)
        layout = Layout(path, identity)
        with WriteLock.acquire(path, clock=clock):
            return [*steps, *_structure(layout, content)]


def mend(
    path: Path,
    *,
    clock: Clock,
    accounts: Sequence[tuple[str, str]] = (),
    content: OpenContent = open_content,
) -> Iterator[str]:
    """Make the structure whole; say what was done. ``accounts`` are names and protocols."""
    with explained(path):
        identity, steps = _identity(path)
        layout = Layout(path, identity)
        with WriteLock.acquire(path, clock=clock):
            if steps:
                write_identity(path, identity)
                yield f"archive.toml was made again: {steps[0].fault}"
            make_folder(layout.tmp)
            yield from _mend_journal(layout, accounts, content)
        if _catalog_fault(layout) is not None:
            rebuilt = rebuild_catalog(path, clock=clock, content=content)
            yield f"the catalog was made anew: {rebuilt.messages} messages"
        with WriteLock.acquire(path, clock=clock), closing(content(layout)) as store:
            if isinstance(store, Salvaging):
                yield from store.salvage(free_place(path, "content"))


def _structure(layout: Layout, content: OpenContent) -> Iterator[Step]:
    catalog_fault = _catalog_fault(layout)
    journal_fault = _journal_fault(layout, is_catalog_sound=catalog_fault is None)
    if journal_fault is not None:
        source = "what is left of it" if catalog_fault else "the catalog"
        remedy = f"write it anew from {source}, and keep the old one in quarantine/"
        yield Step("journal", journal_fault, remedy)
    if catalog_fault is not None:
        yield Step("catalog", catalog_fault, "make it anew from the journal and the content")
    with closing(content(layout)) as store:
        faults = [finding.detail for finding in store.check()]
    if faults:
        fault = faults[0] if len(faults) == 1 else f"{faults[0]}, and {len(faults) - 1} more"
        yield Step("content", fault, "put what can be read of broken files into new ones")


# What the archive says of itself


def _identity(path: Path) -> tuple[Identity, list[Step]]:
    """What the archive is, by its own word or by that of its files."""
    known = witnessed(path)
    remedy = "make it again from what journal and content say"
    try:
        identity = require_identity(path)
    except ArchiveMissing:
        if known is None:
            raise
        return known, [Step("identity", "archive.toml is missing", remedy)]
    except ArchiveDamaged as error:
        if known is None:
            raise
        return known, [Step("identity", str(error), remedy)]
    if known is None or known.id == identity.id:
        return identity, []
    fault = f"archive.toml says {identity.id}, and everything else {known.id}"
    return replace(identity, id=known.id), [Step("identity", fault, remedy)]


# The catalog


def _catalog_fault(layout: Layout) -> str | None:
    if dialect.is_absent(layout.catalog):
        return f"{layout.catalog} is missing" if layout.journal.files() else None
    return catalog_fault(layout.catalog)


# The journal


def _journal_fault(layout: Layout, *, is_catalog_sound: bool) -> str | None:
    told = layout.start
    if is_catalog_sound and not dialect.is_absent(layout.catalog):
        with Catalog(layout.catalog, dialect.open_reading(layout.catalog)) as catalog:
            told = catalog.position()
    finding = next(iter(check_journal(layout.journal, layout.start, told)), None)
    return None if finding is None else finding.detail


def _mend_journal(
    layout: Layout, accounts: Sequence[tuple[str, str]], content: OpenContent
) -> Iterator[str]:
    if _catalog_fault(layout) is not None:
        finish(layout, None)
        if _journal_fault(layout, is_catalog_sound=False) is not None:
            yield from _salvage_journal(layout, accounts)
        return
    if dialect.is_absent(layout.catalog):
        return
    with Catalog(layout.catalog, dialect.open_writing(layout.catalog)) as catalog:
        if not schema.is_current(catalog.engine, layout.catalog):
            schema.migrate(catalog.engine, layout.catalog)
        try:
            finish(layout, catalog)
        except ArchiveDamaged as error:
            # The journal says nothing yet that it was not told by the catalog.
            log.info("%s", error)
            yield from _retell_journal(layout, catalog)
            return
        if _journal_fault(layout, is_catalog_sound=True) is not None:
            _tell_what_is_left(layout, catalog, content)
            yield from _retell_journal(layout, catalog)


def _salvage_journal(layout: Layout, accounts: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Without a catalog only what is left of the journal is known."""
    mender = Mender(accounts)
    saved = saved_groups(layout.journal, layout.identity.id)
    exchange(layout, *write_journal(layout, mender.mend(saved)))
    finish(layout, None)
    lost = sum(gap.count for gap in mender.gaps)
    yield f"the journal was written anew from what is left of it; {lost} groups are lost"


def _tell_what_is_left(layout: Layout, catalog: Catalog, content: OpenContent) -> None:
    """Tell the catalog what can be read of a broken journal, and it was not told yet."""
    with closing(content(layout)) as store:
        committer = Committer(store, layout.journal, catalog)
        try:
            committer.catch_up()
        except ArchiveDamaged as error:
            log.info("%s", error)
        position = catalog.position()
        mender = Mender.knowing(catalog)
        saved = saved_groups(layout.journal, layout.identity.id)
        for _, records in mender.mend(_behind(saved, position.sequence)):
            position = replace(position, sequence=position.sequence + 1)
            committer.apply(Group(tuple(records), position))


def _retell_journal(layout: Layout, catalog: Catalog) -> Iterator[str]:
    """The catalog knows what the journal said."""
    draft, end = write_journal(layout, retell(catalog))
    different = list(_compared(layout, draft, catalog))
    exchange(layout, draft, end)
    finish(layout, catalog)
    yield "the journal was written anew from the catalog"
    for each in different:
        yield f"what the journal says differs a little from the catalog: {each}"


def _behind(saved: Iterable[SavedGroup | Gap], sequence: int) -> Iterator[SavedGroup | Gap]:
    for each in saved:
        last = each.first + each.count - 1 if isinstance(each, Gap) else each.sequence
        if last > sequence:
            yield each


def _compared(layout: Layout, folder: Path, catalog: Catalog) -> Iterator[str]:
    """Whether the new journal makes the same catalog again."""
    path = layout.tmp / "comparison.db"
    dialect.remove_database(path)
    dialect.create_database(path)
    try:
        with Catalog(path, dialect.open_scratch(path)) as other:
            other.create(layout.start)
            for each in Journal(folder, layout.identity.id).groups(after=layout.start):
                if isinstance(each, TornTail):
                    raise ArchiveError(f"{folder}: what was written is not complete")
                other.apply(each.records, each.position, {})
            yield from differences(catalog, other)
    finally:
        dialect.remove_database(path)
