"""How old an archived message is, by the runs since rather than by the clock alone. Pure.

A clock may jump: a dead battery, a wrong time zone, a bad time server. So time is what passed
between one run and the next, as far as it is plausible, and never what a single reading says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailvault.mail.model import RunNumber

NONE = timedelta(0)

PLAUSIBLE = timedelta(days=32)
"""A longer gap between two runs, forwards or backwards, is taken for a jump of the clock."""


@dataclass(frozen=True, slots=True)
class RunTime:
    """When a run began and ended, by the clock of then. A killed run has no end."""

    run: RunNumber
    started_at: datetime
    finished_at: datetime | None = None


def settled_until(
    runs: Iterable[RunTime], *, present: RunNumber, now: datetime, days: int
) -> RunNumber | None:
    """The last run whose messages were archived ``days`` ago; None while there is none.

    ``runs`` come newest first. No gap counts for more than half of what is asked, so that no
    single jump makes anything old; steps backwards are taken off again.
    """
    wanted = timedelta(days=days)
    elapsed = NONE
    later = now
    for each in runs:
        if each.run >= present:
            continue
        ended = each.finished_at or later  # of a killed run, only the next one is certain
        if elapsed + _gap(ended, later, wanted) >= wanted:
            return each.run
        elapsed += _gap(each.started_at, later, wanted)
        later = each.started_at
    return None


def _gap(earlier: datetime, later: datetime, wanted: timedelta) -> timedelta:
    gap = later - earlier
    return NONE if abs(gap) > PLAUSIBLE else min(gap, wanted / 2)
