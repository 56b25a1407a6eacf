"""Decides when a job is due: from its timing, the last time it was done, and the present.

Nothing is remembered here. The daemon, `run --due`, `schedule` and `status` ask the same
question with the same facts, and so give the same answer; a night that was missed, a
machine that slept and a clock that was set are all one case: the facts, and a new present.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from hashlib import sha256

from mailvault.schedule.rhythm import Rhythm, after
from mailvault.schedule.window import Window

AGAIN = timedelta(minutes=30)
"""What failed is tried again so much later, if its rhythm would make it wait for longer."""

UNSURE = timedelta(minutes=1)
"""A last time further ahead than this was written by a clock that was wrong."""


class JobKind(StrEnum):
    SYNC = "sync"
    VERIFY = "verify"
    DRILL = "drill"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Timing:
    """``jitter`` in seconds: start up to so much later, by chance."""

    rhythm: Rhythm
    jitter: float = 0.0
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """Something a configuration wants done again and again; ``written`` is its rhythm there."""

    kind: JobKind
    account: str | None
    timing: Timing
    written: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind} {self.account}" if self.account else str(self.kind)


@dataclass(frozen=True, slots=True)
class Last:
    """The last time a job was done. ``ok`` is False if trying again soon may help."""

    started_at: datetime
    ended_at: datetime
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a job. One never done counts from ``since``, or is due at once.

    ``not_before`` is until when a server asked to be left alone.
    """

    last: Last | None = None
    since: datetime | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Almanac:
    """Where the clock hangs, and what makes chance the same for everybody who asks."""

    zone: tzinfo
    seed: str = ""

    def next_start(self, job: Job, facts: Facts, now: datetime) -> datetime:
        """When the job is to start: ``now`` if it is due, later otherwise."""
        wanted = _wanted(job.timing, facts, now, self.zone)
        planned = now if wanted is None else self._delayed(job, wanted)
        start = max(planned, now, facts.not_before or now)
        window = job.timing.window
        return start if window is None else window.first(start, self.zone)

    def is_due(self, job: Job, facts: Facts, now: datetime) -> bool:
        return self.next_start(job, facts, now) <= now

    def coming(self, job: Job, facts: Facts, now: datetime) -> Iterator[datetime]:
        """The times it starts from now on, without end, if each is over at once."""
        while True:
            now = self.next_start(job, facts, now)
            yield now
            facts = replace(facts, last=Last(now, now), not_before=None)

    def _delayed(self, job: Job, wanted: datetime) -> datetime:
        """The same delay whenever it is asked for, and never out of the window."""
        window = job.timing.window
        opened = wanted if window is None else window.first(wanted, self.zone)
        chance = sha256(f"{self.seed} {job.name} {opened.timestamp()}".encode()).digest()
        share = int.from_bytes(chance[:4]) / (1 << 32)
        later = opened + timedelta(seconds=int(job.timing.jitter * share))
        is_inside = window is None or window.holds(later, self.zone)
        return later if is_inside else opened


def _wanted(timing: Timing, facts: Facts, now: datetime, zone: tzinfo) -> datetime | None:
    """When its rhythm wants the job; None is at once, whatever the rhythm."""
    last = facts.last
    if last is None:
        since = facts.since
        return None if since is None else after(timing.rhythm, min(since, now), zone)
    if last.started_at > now + UNSURE:
        return None  # the clock was wrong then, or is now: doing it once more is safe
    wanted = after(timing.rhythm, last.started_at, zone)
    return wanted if last.ok else min(wanted, max(last.ended_at, last.started_at) + AGAIN)
