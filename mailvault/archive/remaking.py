"""Writes a journal anew and puts it in the place of a broken one, which is kept.

The new journal is complete and durable before it gets the name `journal.new`; from then on
every writer that opens the archive finishes the exchange. The catalog follows last: it is
told where the new journal ends.
"""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.journal import Journal, Position, TornTail
from mailvault.archive.layout import Layout, journal_folder
from mailvault.archive.private import explained, make_folder, sync_folder, write_file
from mailvault.archive.quarantine import free_place
from mailvault.errors import ArchiveDamaged

if TYPE_CHECKING:
    from mailvault.archive.retelling import Told

NEW = "journal.new"
POSITION = "position.json"
"""Lies beside the files of a new journal until the catalog knows where it ends."""

RETELL_HINT = "write the journal anew from the catalog with: mailvault repair"


def write_journal(layout: Layout, told: "Iterable[Told]") -> tuple[Path, Position]:
    """Write records as a journal in the folder for temporary files."""
    folder = layout.tmp / "journal"
    with explained(folder):
        shutil.rmtree(folder, ignore_errors=True)
        make_folder(folder)
    journal, position = Journal(folder, layout.identity.id), layout.start
    for run, records in told:
        position = journal.append(records, run, position)
    return folder, position


def exchange(layout: Layout, draft: Path, position: Position) -> None:
    """Make a draft the journal from now on. The catalog has to follow: `finish`."""
    with explained(draft):
        write_file(draft / POSITION, json.dumps(position.to_json()).encode())
        draft.replace(layout.path / NEW)
        sync_folder(layout.path)
    _switch(layout)


def finish(layout: Layout, catalog: Catalog | None) -> bool:
    """Do what a killed exchange left undone, and tell the catalog; say if there was any.

    Raises:
        ArchiveDamaged: the new journal, or the note of where it ends, is damaged.
    """
    with explained(layout.path):
        finish_switch(layout)
        if not _note(layout).is_file():
            return False
        if catalog is not None:
            _follow(layout, catalog)
        forget_note(layout)
    return True


def finish_switch(layout: Layout) -> None:
    """Put a new journal that is complete in its place."""
    if (layout.path / NEW).is_dir():
        _switch(layout)


def noted_end(layout: Layout) -> Position | None:
    """Where a new journal ends that the catalog does not know; None if nothing says so."""
    try:
        return Position.from_json(json.loads(_note(layout).read_bytes()))
    except (OSError, ValueError, RecursionError):
        return None


def forget_note(layout: Layout) -> None:
    """The catalog knows the journal."""
    note = _note(layout)
    note.unlink(missing_ok=True)
    sync_folder(note.parent)


def _note(layout: Layout) -> Path:
    return journal_folder(layout.path) / POSITION


def _follow(layout: Layout, catalog: Catalog) -> None:
    """Move the catalog to where the new journal ends, if that is known for certain.

    Nothing was written behind that end, for every writer comes by here first.
    """
    end, known = noted_end(layout), catalog.position()
    is_known, last = known == layout.start, layout.start
    for each in layout.journal.groups(after=layout.start):
        if isinstance(each, TornTail):
            break
        last = each.position
        is_known = is_known or last == known
    if last == end:
        catalog.move_to(end)
    elif not is_known:
        raise ArchiveDamaged(
            f"{_note(layout)} does not say where the journal ends", hint=RETELL_HINT
        )


def _switch(layout: Layout) -> None:
    journal = journal_folder(layout.path)
    if os.path.lexists(journal):
        kept = free_place(layout.path, journal.name)
        make_folder(kept.parent)
        journal.replace(kept)
        sync_folder(kept.parent)
    (layout.path / NEW).replace(journal)
    sync_folder(layout.path)
