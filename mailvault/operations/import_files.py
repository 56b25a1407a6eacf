"""Import: a sync from files. They are a source like any other, which only adds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mailvault.archive.archive import Archive
from mailvault.errors import SourceError, UsageError
from mailvault.mail.findings import FILES, Findings
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import MailboxName
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.preview import preview
from mailvault.operations.reports import INCOMPLETE, AccountReport, Progress, SyncReport
from mailvault.operations.sync import sync
from mailvault.ports import Source


class ImportedFiles(Protocol):
    """The files below a path, while their source is open; the findings also afterwards."""

    def names(self) -> Sequence[MailboxName]: ...

    def holds_mail(self, names: Iterable[MailboxName]) -> bool: ...

    def findings(self) -> Findings: ...


@dataclass(frozen=True, slots=True)
class Import:
    """What to import: an account whose source reads files, and those files."""

    account: SyncAccount
    files: ImportedFiles


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

    Where there is nothing to take no run begins, and the archive stays as it is.

    Raises:
        UsageError: the account's mail comes from a server.
        ArchiveError: the archive cannot be written; what was committed before stays.
    """
    refuse_synced(archive, wanted.account.name)
    with wanted.account.open_source():  # for the look at it, too: opening may be dear
        nothing = _nothing(archive, wanted, only)
        if nothing is not None:
            report = SyncReport(None, (nothing,))
        elif dry_run:
            report = preview(archive, [wanted.account], mailbox_globs=only)
        else:
            report = sync(archive, [wanted.account], mailbox_globs=only, progress=progress)
    return ImportReport(report, wanted.files.findings())


def _nothing(
    archive: Archive, wanted: Import, only: MailboxGlobs | None
) -> AccountReport | None:
    """What there is to say of files that hold nothing to import; None of all others.

    Empty mailboxes make no account: the path may be a wrong one. Once there is one, it may well
    be that no mail has come.
    """
    account = wanted.account.name
    try:
        names = [each for each in wanted.files.names() if only is None or only.matches(each)]
        is_known = any(view.name == account for view in archive.catalog.accounts())
        if names and (is_known or wanted.files.holds_mail(names)):
            return None
    except (SourceError, UsageError) as error:
        return AccountReport(account, (), error)
    return AccountReport(account)


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
