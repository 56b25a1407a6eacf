"""What the archive knows of the jobs of a configuration: when each was done last, and how."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import RunView
from mailvault.operations.patience import pause
from mailvault.schedule.due import Facts, Job, JobKind, Last

SETTLED = frozenset({0, 3, 4})
"""Exit codes of a job that was done; after another one, trying again soon may help."""


def facts_of(archive: Archive, jobs: Iterable[Job], now: datetime) -> Mapping[Job, Facts]:
    """Gather what decides when each job is due."""
    ended = {
        each.kind: Last(each.started_at, each.finished_at, each.exit_code in SETTLED)
        for each in archive.catalog.last_jobs()
    }
    return {
        job: _of_account(archive, job.account, now)
        if job.kind is JobKind.SYNC and job.account is not None
        else Facts(ended.get(job.kind), since=archive.created)
        for job in jobs
    }


def _of_account(archive: Archive, account: str, now: datetime) -> Facts:
    last = next((_last(each) for each in archive.catalog.runs(account, limit=1)), None)
    standing = archive.standings.of(account)
    is_paused = pause(standing, now, by_hand=False) is not None
    return Facts(last, not_before=standing.until if is_paused else None)


def _last(run: RunView) -> Last:
    account = run.accounts[0] if run.accounts else None
    if account is None or account.finished_at is None:
        return Last(run.started_at, run.started_at, ok=False)  # it was killed
    return Last(run.started_at, account.finished_at, ok=account.error is None)
