"""Import: a sync from files. They are a source like any other, which only adds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from mailvault.archive.archive import Archive
from mailvault.errors import UsageError
from mailvault.mail.findings import FILES, Findings
from mailvault.mail.globs import MailboxGlobs
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.preview import preview
from mailvault.operations.reports import INCOMPLETE, Progress, SyncReport
from mailvault.operations.sync import sync
from mailvault.ports import Source


@dataclass(frozen=True, slots=True)
class Import:
    """What to import: an account whose source reads files, and what that source found."""

    account: SyncAccount
    findings: Callable[[], Findings]


@dataclass(frozen=True, slots=True)
class ImportReport:
    sync: SyncReport
    findings: Findings

    @property
    def exit_code(self) -> int:
        """A dry run owes nothing, but it foresees what will be owed."""
        return max(self.sync.exit_code, INCOMPLETE if self.findings.unreadable else 0)


def import_files(
    archive: Archive,
    wanted: Import,
    only: MailboxGlobs | None = None,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Add what the files hold and the archive does not; with ``dry_run`` only count it.

    Raises:
        UsageError: the account's mail comes from a server.
        ArchiveError: the archive cannot be written; what was committed before stays.
    """
    refuse_synced(archive, wanted.account.name)
    if dry_run:
        report = preview(archive, [wanted.account], mailbox_globs=only)
    else:
        report = sync(archive, [wanted.account], mailbox_globs=only, progress=progress)
    return ImportReport(report, wanted.findings())


def refuse_synced(archive: Archive, name: str) -> None:
    """An account is either synced or imported: a sync would take all imported mail for gone."""
    protocols = {view.name: view.protocol for view in archive.catalog.accounts()}
    if protocols.get(name, FILES) != FILES:
        raise UsageError(
            f"the account {name!r} is synced over {protocols[name].upper()}, so nothing is"
            " imported into it",
            hint="import under another name, such as --account "
            f"{name}-import; what both hold is stored once",
        )


def refusing_imported(archive: Archive, accounts: Iterable[SyncAccount]) -> list[SyncAccount]:
    """The accounts to sync; one that holds imported mail fails, and nothing of it changes."""
    imported = {view.name for view in archive.catalog.accounts() if view.protocol == FILES}
    return [_refusing(each) if each.name in imported else each for each in accounts]


def _refusing(account: SyncAccount) -> SyncAccount:
    def refuse() -> Source:
        raise UsageError(
            "this account holds imported mail, which a sync would take for gone",
            hint="configure the server under another name; what both hold is stored once",
        )

    return replace(account, protocol=FILES, open_source=refuse, allowance=None, removal=None)
