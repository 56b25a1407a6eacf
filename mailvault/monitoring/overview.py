"""What is known of the archive and of every account, gathered in one read."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mailvault import logins, wiring
from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import (
    AccountStatus,
    DebtView,
    JobView,
    LastRunView,
    Status,
    SuspicionView,
)
from mailvault.archive.proofs import Coverage, read_coverage
from mailvault.archive.standings import Standing
from mailvault.config.model import Configuration
from mailvault.monitoring.coming import late_accounts, next_runs, read_coming
from mailvault.operations.freshness import Freshness
from mailvault.operations.patience import pause
from mailvault.schedule.due import Almanac

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Overview:
    """``configured`` are the accounts that are still backed up; others are only kept.

    An account is ``late`` by its schedule, and ``overdue`` when that is an alarm.
    """

    path: str
    store: str
    stored_octets: int
    status: Status
    accounts: tuple[AccountStatus, ...]
    debts: tuple[DebtView, ...]
    suspicions: tuple[SuspicionView, ...]
    now: datetime
    logins_needed: Mapping[str, str] = field(default_factory=dict)
    standings: Mapping[str, Standing] = field(default_factory=dict)
    next_runs: Mapping[str, datetime] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=lambda: Coverage(None, 0))
    jobs: tuple[JobView, ...] = ()
    configured: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    overdue: Mapping[str, Freshness] = field(default_factory=dict)
    last_runs: Mapping[str, LastRunView] = field(default_factory=dict)
    free_octets: int | None = None

    def pause(self, account: AccountStatus) -> Standing | None:
        """How the account stands, if it is not to be asked now."""
        standing = self.standings.get(account.account)
        is_paused = standing and pause(standing, self.now, by_hand=False) is not None
        return standing if is_paused else None

    def age_seconds(self, account: AccountStatus) -> int | None:
        """Seconds since the last success; None when there was none."""
        if account.last_success is None:
            return None
        return max(0, round((self.now - account.last_success).total_seconds()))


def read_overview(configuration: Configuration) -> Overview:
    """Gather all of it; takes no lock. Raises ArchiveError."""
    now, needed = wiring.SystemClock().now(), logins.logins_needed(configuration)
    with wiring.open_archive(configuration, writing=False) as archive:
        almanac = Almanac(wiring.local_zone(), archive.id)
        coming = next_runs(read_coming(archive, configuration, almanac, now, 1))
        status = archive.catalog.status()
        return Overview(
            path=str(archive.path),
            store=archive.store,
            stored_octets=archive.content.stored_octets(),
            status=status,
            accounts=_accounts(status, configuration),
            debts=tuple(archive.catalog.debts()),
            suspicions=tuple(archive.catalog.suspicions()),
            now=now,
            standings=archive.standings.all(),
            logins_needed=needed,
            next_runs=coming,
            coverage=read_coverage(archive.catalog),
            jobs=tuple(archive.catalog.last_jobs()),
            configured=frozenset(configuration.accounts),
            late=late_accounts(configuration, status.accounts, almanac, now),
            overdue={
                each.account: each
                for each in wiring.overdue_accounts(archive, configuration, status)
            },
            last_runs=_last_runs(archive),
            free_octets=free_octets(archive.path),
        )


def free_octets(folder: Path) -> int | None:
    """What may still be written there; None if the file system does not say."""
    try:
        found = os.statvfs(folder)
    except OSError as error:
        log.info("%s: %s", folder, error.strerror)
        return None
    return found.f_bavail * found.f_frsize if found.f_blocks else None


def _accounts(status: Status, configuration: Configuration) -> tuple[AccountStatus, ...]:
    """Every account, synced yet or not."""
    synced = {account.account: account for account in status.accounts}
    for name, settings in configuration.accounts.items():
        never = AccountStatus(name, settings.protocol, None, None, None, 0, 0, 0, 0)
        synced.setdefault(name, never)
    return tuple(sorted(synced.values(), key=lambda account: account.account))


def _last_runs(archive: Archive) -> Mapping[str, LastRunView]:
    return {each.account: each for each in archive.catalog.last_runs()}
