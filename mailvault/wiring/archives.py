"""The configured archive, and what is done with it as a whole."""

import logging
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mailvault.clock import SystemClock
from mailvault.config.model import Configuration
from mailvault.errors import ArchiveMissing

if TYPE_CHECKING:
    from mailvault.archive.archive import Archive
    from mailvault.archive.catalog.views import Status
    from mailvault.archive.lock import Lease
    from mailvault.operations.convert import ConvertReport
    from mailvault.operations.copy import CopyReport
    from mailvault.operations.freshness import Freshness
    from mailvault.operations.rebuild import RebuildReport
    from mailvault.operations.repair import RepairPlan, RepairReport
    from mailvault.operations.reports import Progress
from mailvault.wiring.accounts import source_factory

log = logging.getLogger(__name__)


def create_archive(configuration: Configuration) -> "Archive":
    from mailvault.archive.archive import Archive

    settings = configuration.archive
    return Archive.create(settings.path, store=settings.store, clock=SystemClock())


def store_of(path: Path) -> str | None:
    """The kind of store of the archive in a folder; None where there is no archive.

    Raises:
        DestinationError: there never can be one.
    """
    from mailvault.archive.identity import require_identity
    from mailvault.archive.places import becoming_archive

    try:
        with becoming_archive(path):
            return require_identity(path).store
    except ArchiveMissing:
        return None


def open_archive(
    configuration: Configuration, *, writing: bool, wait: float = 0.0
) -> "Archive":
    """Open the configured archive. Writing waits so many seconds for its lock."""
    from mailvault.archive.archive import Archive

    path = configuration.archive.path
    return Archive.open(path, writing=writing, clock=SystemClock(), wait=wait)


def take_lease(configuration: Configuration) -> "Lease":
    """The right to run the schedules of the configured archive. Raises ArchiveLocked."""
    from mailvault.archive.identity import require_identity
    from mailvault.archive.lock import Lease

    require_identity(configuration.archive.path)
    return Lease.acquire(configuration.archive.path, clock=SystemClock())


def local_zone() -> "tzinfo":
    """The zone of the clock on the wall, with its changes: $TZ, or what the system says."""
    from zoneinfo import ZoneInfoNotFoundError

    from tzlocal import get_localzone

    try:
        return get_localzone()
    except ZoneInfoNotFoundError:  # $TZ may hold a rule ("CET-1CEST") instead of a name
        present = datetime.now().astimezone().tzinfo or UTC
        log.warning("the time zone has no name; schedules go by %s all year", present)
        return present


def overdue_accounts(
    archive: "Archive", configuration: Configuration, status: "Status | None" = None
) -> "list[Freshness]":
    """The configured accounts that had no success for too long, or never.

    ``status`` is what the catalog says, where it was asked already.
    """
    from mailvault.config.freshness import success_limits
    from mailvault.operations.freshness import freshness_of, overdue

    now = SystemClock().now()
    limits = success_limits(configuration, now, local_zone())
    accounts = (status or archive.catalog.status()).accounts
    successes = {each.account: each.last_success for each in accounts}
    return overdue(freshness_of(limits, successes, {}), now)


def copy(
    configuration: Configuration, target: Path, *, is_verified: bool, progress: "Progress"
) -> "CopyReport":
    """Bring a copy of the configured archive level."""
    from mailvault.operations.copy import copy as operation

    return operation(
        configuration.archive.path,
        target,
        is_verified=is_verified,
        clock=SystemClock(),
        progress=progress,
    )


def convert(
    configuration: Configuration, target: Path, store: str, *, progress: "Progress"
) -> "ConvertReport":
    """Make an archive with another store of the configured one."""
    from mailvault.operations.convert import convert as operation

    return operation(
        configuration.archive.path, target, store, clock=SystemClock(), progress=progress
    )


def rebuild(configuration: Configuration, *, progress: "Progress") -> "RebuildReport":
    """Make the catalog of the configured archive anew."""
    from mailvault.operations.rebuild import rebuild as operation

    return operation(configuration.archive.path, SystemClock(), progress)


def plan_repair(configuration: Configuration, *, progress: "Progress") -> "RepairPlan":
    """Say what is broken in the configured archive."""
    from mailvault.operations.repair import plan_repair as operation

    return operation(configuration.archive.path, SystemClock(), progress)


def repair(
    configuration: Configuration, *, drop_orphans: bool, progress: "Progress"
) -> "RepairReport":
    """Heal the configured archive; any of its accounts may still have what is lost."""
    from mailvault.operations.repair import RepairAccount
    from mailvault.operations.repair import repair as operation

    accounts = [
        RepairAccount(each.name, each.protocol, partial(source_factory, each))
        for each in configuration.accounts.values()
    ]
    return operation(
        configuration.archive.path,
        SystemClock(),
        accounts,
        drop_orphans=drop_orphans,
        progress=progress,
    )
