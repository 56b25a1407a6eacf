"""How long an account may go without a success before somebody is told."""

from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

from mailvault.config.jobs import jobs_of
from mailvault.config.model import Configuration
from mailvault.schedule.due import JobKind
from mailvault.schedule.rhythm import Rhythm, after

USUAL = timedelta(days=3)
"""The limit where none is configured, if the schedule syncs often enough for it."""

LATE = timedelta(days=1)
"""By so much a scheduled sync may be late before its absence is told."""

_TURNS = 8
"""So many turns of a rhythm show its longest pause: weekdays have one, months another."""


def success_limits(
    configuration: Configuration, now: datetime, zone: tzinfo
) -> dict[str, float]:
    """Give the seconds for each account: as configured, or by its schedule."""
    chosen = configuration.notify.no_success_for
    if chosen is not None:
        return dict.fromkeys(configuration.accounts, chosen)
    limits = dict.fromkeys(configuration.accounts, USUAL.total_seconds())
    for job in jobs_of(configuration):
        if job.kind is JobKind.SYNC and job.account is not None:
            pause = longest_pause(job.timing.rhythm, now, zone)
            limits[job.account] = max(USUAL, pause + LATE).total_seconds()
    return limits


def longest_pause(rhythm: Rhythm, now: datetime, zone: tzinfo) -> timedelta:
    """The longest time between two turns of the next few."""
    turns = [after(rhythm, now, zone)]
    for _ in range(_TURNS):
        turns.append(after(rhythm, turns[-1], zone))
    return max(later - earlier for earlier, later in pairwise(turns))
