"""Rebuild: make the catalog anew from the journal and the content."""

from dataclasses import dataclass
from pathlib import Path

from mailvault.archive.archive import Archive
from mailvault.archive.rebuild import rebuild_catalog
from mailvault.operations.reports import INCOMPLETE, Progress
from mailvault.ports import Clock


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """``unindexed`` messages are in the catalog, but the store could not show their headers."""

    runs: int
    messages: int
    unindexed: int

    @property
    def exit_code(self) -> int:
        return INCOMPLETE if self.unindexed else 0


def rebuild(path: Path, clock: Clock, progress: Progress) -> RebuildReport:
    """Replace the catalog of the archive at ``path``; the old one stays until it is done.

    Raises:
        ArchiveDamaged: the journal is broken; then nothing was changed.
    """
    rebuilt = rebuild_catalog(path, clock=clock, told=lambda _groups: progress.stored(1, 0))
    # Opening it for writing makes its Maildirs level, too.
    with Archive.open(path, writing=True, clock=clock) as archive:
        runs = archive.catalog.last_run() or 0
    return RebuildReport(runs, rebuilt.messages, rebuilt.unindexed)
