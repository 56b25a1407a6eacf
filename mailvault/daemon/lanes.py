"""The two threads in which the daemon's jobs are done: one that writes, one that reads.

Syncs that become due together are one run of the archive. One that becomes due while a run
lasts waits for its end, for which it need not wait long: who has overstayed makes room.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from mailvault.daemon.pulse import Pulse
from mailvault.operations.ended import RunEnded
from mailvault.operations.slots import SLOT, Line
from mailvault.ports import Clock
from mailvault.schedule.due import Job, JobKind


class Work(Protocol):
    """What a lane has done: `work.Work`."""

    def sync(self, jobs: Sequence[Job], line: Line) -> list[RunEnded]: ...

    def do(self, job: Job) -> RunEnded: ...

    def note(self, ended: RunEnded) -> bool: ...


class Lane:
    """A thread that does what is asked of it, in order, each job once however often asked."""

    name = "lane"

    def __init__(self, work: Work, pulse: Pulse, done: Callable[[RunEnded], None]) -> None:
        self.work = work
        self.pulse = pulse
        self._done = done
        self._wanted: dict[Job, None] = {}
        self._changed = threading.Condition()
        self._is_stopped = False
        self._under_way: frozenset[Job] = frozenset()
        self._thread = threading.Thread(target=self._serve, name=self.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def add(self, job: Job) -> None:
        """Do a job soon; one under way is done again after it."""
        with self._changed:
            if job not in self._wanted:
                self._wanted[job] = None
                self._changed.notify_all()

    def holds(self, job: Job) -> bool:
        """Whether the job is under way, or will be."""
        with self._changed:
            return job in self._wanted or job in self._under_way

    def exchange(self, work: Work) -> None:
        """Do what comes next with this; what is under way ends as it began."""
        with self._changed:
            self.work = work
            self._wanted.clear()

    def stop(self) -> None:
        """Begin nothing more."""
        with self._changed:
            self._is_stopped = True
            self._wanted.clear()
            self._changed.notify_all()

    def join(self, seconds: float) -> bool:
        """Wait for the end of what is under way; whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _serve(self) -> None:
        while jobs := self._take():
            self.pulse.begin()
            ended = self._do(jobs)
            self.pulse.end()
            with self._changed:
                self._under_way = frozenset()
            for each in ended:  # who hears of it may ask for it again
                self._done(each)

    def _take(self) -> Sequence[Job]:
        with self._changed:
            while not self._wanted and not self._is_stopped:
                self._changed.wait()
            if self._is_stopped:
                return ()
            jobs = self._chosen()
            for job in jobs:
                del self._wanted[job]
            self._under_way = frozenset(jobs)
            return jobs

    def _chosen(self) -> Sequence[Job]:
        return [next(iter(self._wanted))]

    def _do(self, jobs: Sequence[Job]) -> Sequence[RunEnded]:
        ended = [self.work.do(job) for job in jobs]
        for each in ended:
            while not self.work.note(each):  # a long run has the archive's lock
                with self._changed:
                    if self._is_stopped or self._changed.wait_for(self._stops, timeout=10.0):
                        break
                self.pulse.beat()
        return ended

    def _stops(self) -> bool:
        return self._is_stopped


class MailLane(Lane):
    """Does what needs the archive's lock; accounts that are due together, at once."""

    name = "mail"

    def __init__(
        self,
        work: Work,
        pulse: Pulse,
        done: Callable[[RunEnded], None],
        clock: Clock,
        *,
        slot: float = SLOT,
    ) -> None:
        super().__init__(work, pulse, done)
        self._clock = clock
        self._slot = slot
        self._line: Line | None = None

    def add(self, job: Job) -> None:
        with self._changed:
            is_alone = self._under_way == {job}  # nobody makes room for himself
            if self._line is not None and job not in self._wanted and not is_alone:
                self._line.queue()
            super().add(job)

    def stop(self) -> None:
        super().stop()
        with self._changed:
            if self._line is not None:
                self._line.stop()

    def _chosen(self) -> Sequence[Job]:
        first = next(iter(self._wanted))
        if first.kind is not JobKind.SYNC:
            return [first]
        self._line = Line(self._clock, slot=self._slot)
        return [job for job in self._wanted if job.kind is JobKind.SYNC]

    def _do(self, jobs: Sequence[Job]) -> Sequence[RunEnded]:
        if self._line is None:
            return super()._do(jobs)
        ended = self.work.sync(jobs, self._line)
        with self._changed:
            self._line = None
            for each in ended:
                if each.made_room and not self._is_stopped:
                    self._wanted.setdefault(each.job)
        return ended
