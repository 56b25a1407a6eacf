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
from mailvault.archive.journal import Journal, Position
from mailvault.archive.layout import Layout, journal_folder
from mailvault.archive.private import explained, make_folder, sync_folder, write_file
from mailvault.archive.quarantine import free_place

if TYPE_CHECKING:
    from mailvault.archive.retelling import Told

NEW = "journal.new"
POSITION = "position.json"
"""Lies beside the files of a new journal until the catalog knows where it ends."""


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
    content = {
        "sequence": position.sequence,
        "chain": position.chain.hex(),
        "file": position.file,
        "offset": position.offset,
    }
    with explained(draft):
        write_file(draft / POSITION, json.dumps(content).encode())
        draft.replace(layout.path / NEW)
        sync_folder(layout.path)
    _switch(layout)


def finish(layout: Layout, catalog: Catalog | None) -> bool:
    """Do what a killed exchange left undone, and tell the catalog; say if there was any."""
    with explained(layout.path):
        if (layout.path / NEW).is_dir():
            _switch(layout)
        note = journal_folder(layout.path) / POSITION
        if not note.is_file():
            return False
        if catalog is not None:
            catalog.move_to(_position(note))
        note.unlink()
        sync_folder(note.parent)
    return True


def _switch(layout: Layout) -> None:
    journal = journal_folder(layout.path)
    if os.path.lexists(journal):
        kept = free_place(layout.path, journal.name)
        make_folder(kept.parent)
        journal.replace(kept)
        sync_folder(kept.parent)
    (layout.path / NEW).replace(journal)
    sync_folder(layout.path)


def _position(note: Path) -> Position:
    content = json.loads(note.read_bytes())
    return Position(
        content["sequence"],
        bytes.fromhex(content["chain"]),
        content["file"],
        content["offset"],
    )
