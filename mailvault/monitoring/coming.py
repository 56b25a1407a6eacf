"""When the schedules of a configuration come next, and which are late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import AccountStatus
from mailvault.config.jobs import jobs_of
from mailvault.config.model import Configuration
from mailvault.operations.timetable import facts_of
from mailvault.schedule.due import Almanac, Facts, Job, JobKind, Last

GRACE = timedelta(hours=1)
"""So much later than its schedule an account may succeed before it is called late."""


@dataclass(frozen=True, slots=True)
class Coming:
    """A job and its next times; ``is_due`` if the first of them is now."""

    job: Job
    last: datetime | None
    next: tuple[datetime, ...]
    is_due: bool


def read_coming(
    archive: Archive, configuration: Configuration, almanac: Almanac, now: datetime, count: int
) -> list[Coming]:
    """The next times of every job, from the same facts as the daemon's."""
    facts = facts_of(archive, jobs_of(configuration), now)
    return [_coming(job, each, almanac, now, count) for job, each in facts.items()]


def _coming(job: Job, facts: Facts, almanac: Almanac, now: datetime, count: int) -> Coming:
    times = tuple(islice(almanac.coming(job, facts, now), count))
    last = facts.last.started_at if facts.last else None
    return Coming(job, last, times, bool(times) and times[0] <= now)


def next_runs(coming: Sequence[Coming]) -> dict[str, datetime]:
    """When each account is synced next."""
    return {
        each.job.account: each.next[0]
        for each in coming
        if each.job.kind is JobKind.SYNC and each.job.account is not None and each.next
    }


def late_accounts(
    configuration: Configuration,
    accounts: Sequence[AccountStatus],
    almanac: Almanac,
    now: datetime,
) -> frozenset[str]:
    """The accounts whose next success should long have been there."""
    jobs = {job.account: job for job in jobs_of(configuration) if job.kind is JobKind.SYNC}
    found = set()
    for account in accounts:
        at = account.last_success
        if at is None or account.account not in configuration.accounts:
            continue
        job = jobs.get(account.account)
        if job is not None and now > GRACE + almanac.next_start(job, Facts(Last(at, at)), at):
            found.add(account.account)
    return frozenset(found)
