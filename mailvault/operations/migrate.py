"""Move to another provider: everything that is at the old account, also at the new one.

A sync and a restore, and then a look at both sides. It may be stopped anywhere and run
again, for days; once more after the switch, for late mail: what was put there once is not
put there again, whatever has become of it there since.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mailvault.archive.archive import Archive
from mailvault.errors import MailvaultError, SourceError
from mailvault.operations.reports import INCOMPLETE, Progress, SyncReport
from mailvault.operations.restore import restore
from mailvault.operations.restore_report import RestoreOptions, RestoreReport
from mailvault.operations.side_by_side import Comparison, Sides, compare, foretold
from mailvault.ports import RemoteDestination


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """``restored`` is None if there was nothing to put anywhere."""

    old: str
    new: str
    synced: SyncReport
    restored: RestoreReport | None = None
    sides: tuple[Sides, ...] = ()
    error: MailvaultError | None = None

    @property
    def missing(self) -> int:
        """Messages of the old side that are not at the new one."""
        return sum(side.differences.missing for side in self.sides)

    @property
    def is_interrupted(self) -> bool:
        """Whether the same command, run again, would get further."""
        restored = self.restored
        return (
            not all(account.ok for account in self.synced.accounts)
            or self.error is not None
            or restored is None
            or restored.error is not None
            or any(each.error for each in restored.mailboxes)
        )

    @property
    def exit_code(self) -> int:
        codes = [self.synced.exit_code]
        if self.restored is not None:
            codes.append(self.restored.exit_code)
        if self.error is not None:
            codes.append(self.error.exit_code)
        if self.missing and not (self.restored and self.restored.is_dry_run):
            codes.append(INCOMPLETE)
        return max(codes)


def migrate(
    archive: Archive,
    synced: MigrationReport,
    open_destination: Callable[[], RemoteDestination],
    options: RestoreOptions,
    progress: Progress,
) -> MigrationReport:
    """Put what the archive has of the old account into the new one, and compare.

    What goes wrong stands in the report, which begins as what the sync said.
    """
    if synced.old not in {view.name for view in archive.catalog.accounts()}:
        return synced
    selection = replace(options.selection, account=synced.old, at=archive.catalog.last_run())
    options = replace(options, selection=selection, once=True)
    try:
        restored = restore(archive, synced.old, open_destination, options, progress)
    except SourceError as error:
        return replace(synced, error=error)
    comparison = Comparison(archive, selection, restored.mailboxes)
    report = replace(synced, restored=restored)
    if options.dry_run:
        return replace(report, sides=foretold(comparison))
    sides: list[Sides] = []
    try:
        sides.extend(compare(comparison, open_destination))
    except SourceError as error:
        return replace(report, sides=tuple(sides), error=error)
    return replace(report, sides=tuple(sides))
