"""`run --due`: what the daemon would do now, once."""

from collections.abc import Callable, Sequence

from mailvault import wiring
from mailvault.config.model import Configuration
from mailvault.daemon.plan import Plan
from mailvault.daemon.work import Work
from mailvault.operations.ended import Event, RunEnded
from mailvault.operations.reports import Progress
from mailvault.operations.slots import Line
from mailvault.schedule.due import Job, JobKind


def run_due(
    configuration: Configuration, publish: Callable[[Event], None], progress: Progress
) -> list[RunEnded]:
    """Do every job that is due, mail first. The caller holds the lease."""
    plan = Plan(configuration)
    work = Work(configuration, publish, progress)
    now = wiring.SystemClock().now()
    due = [job for job, at in plan.starts(plan.jobs.values(), now).items() if at <= now]
    syncs = [job for job in due if job.kind is JobKind.SYNC]
    ended = _synced(work, syncs) if syncs else []
    return [*ended, *(work.do(job) for job in due if job.kind is not JobKind.SYNC)]


def _synced(work: Work, jobs: Sequence[Job]) -> list[RunEnded]:
    """Sync until nobody has to make room for others any more."""
    done: list[RunEnded] = []
    while jobs:
        ended = work.sync(jobs, Line(wiring.SystemClock()))
        done += [each for each in ended if not each.made_room]
        jobs = [each.job for each in ended if each.made_room]
    return done
