"""The daemon: waits for times, mail and signals, and has the work done in its lanes."""

import logging
import math
import os
import signal
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeAlias

from mailvault import wiring
from mailvault.archive.lock import Lease
from mailvault.config.load import load
from mailvault.config.model import Configuration
from mailvault.daemon.lanes import Lane, MailLane
from mailvault.daemon.notify_socket import NotifySocket
from mailvault.daemon.plan import Plan
from mailvault.daemon.pulse import STALL, Pulse
from mailvault.daemon.timer import Timer
from mailvault.daemon.watch import Pace, Watch
from mailvault.daemon.work import Work
from mailvault.errors import MailvaultError
from mailvault.operations.ended import (
    Event,
    Publisher,
    RunEnded,
    Topic,
    Trouble,
    TroubleOver,
)
from mailvault.operations.slots import SLOT
from mailvault.ports import Clock
from mailvault.schedule.due import Job, JobKind, Timing
from mailvault.schedule.rhythm import Every

log = logging.getLogger(__name__)

TICK = 10.0
"""Seconds after which the daemon looks at the clock, whatever else happens."""

LEAP = timedelta(seconds=3)
"""By so much the clocks may drift apart in a tick before everything is planned anew."""

HEED = 0.5
"""Seconds after which a signal is heeded that came just before the daemon began to wait.

Python runs a signal's handler between two instructions, and waiting is a single one.
"""

LOCK_WAIT = 60.0
GRACE = 2.5
LAST_RESORT = 4.0
HEARTBEAT = " heartbeat"  # no name of a job begins with a blank
BEATS = 6
"""Ticks without a heartbeat of the timer after which it counts as stuck."""

RETRY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Temper:
    """How patient the daemon is; tests are in a hurry."""

    tick: float = TICK
    stall: float = STALL
    slot: float = SLOT
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class Stop:
    signal: int


@dataclass(frozen=True, slots=True)
class Reload:
    pass


@dataclass(frozen=True, slots=True)
class Due:
    name: str


@dataclass(frozen=True, slots=True)
class NewMail:
    account: str


Message: TypeAlias = Stop | Reload | Due | NewMail | RunEnded
Listeners: TypeAlias = Callable[[Configuration], Publisher]
"""Gives whoever wants to hear of events under a configuration; asked again at each reload."""


def no_listeners(_: Configuration) -> Publisher:
    return Publisher()


class Daemon:
    """Runs the schedules of one configuration file until it is told to stop."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        systemd: NotifySocket,
        listeners: Listeners = no_listeners,
        temper: Temper = Temper(),
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or wiring.SystemClock()
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._systemd = systemd
        self._listeners = listeners
        self._temper = temper
        self._timer = Timer(lambda name: self._inbox.put(Due(name)))
        self._watches: dict[str, Watch] = {}
        self._last_beat = self._clock.monotonic()
        self._adopt(configuration)
        self._mail, self._chores = self._make_lanes()
        self._lanes: tuple[Lane, ...] = (self._mail, self._chores)
        self.has_ended = False

    # The life of the daemon

    def run(self, lease: Lease) -> None:
        """Serve until a signal ends it, and let go of the lease then."""
        try:
            self._listen_to_signals()
            self._timer.start()
            for lane in self._lanes:
                lane.start()
            self._start()
            self._systemd.tell(READY=1, STATUS=self._status())
            log.info("the daemon is ready: %s", self._status())
            lease = self._serve(lease)
        finally:
            self._systemd.tell(STOPPING=1)
            self._end()
            lease.close()

    def put(self, message: Message) -> None:
        """Tell the daemon something, from any thread or a signal's handler."""
        self._inbox.put(message)

    def _serve(self, lease: Lease) -> Lease:
        wall, steady = self._clock.now(), self._clock.monotonic()
        while True:
            message = self._next_message()
            now, then = self._clock.now(), self._clock.monotonic()
            if abs((now - wall) - timedelta(seconds=then - steady)) > LEAP:
                log.info("the clock was set, or the machine slept: planning anew")
                self._beat()
                self._plan(self._plan_of.jobs.values())
            wall, steady = now, then
            match message:
                case Stop(number):
                    log.info("ends after %s", signal.Signals(number).name)
                    return lease
                case Reload():
                    lease = self._reload(lease)
                case Due(name):
                    self._due(name)
                case NewMail(account):
                    self._new_mail(account)
                case RunEnded():
                    self._ended(message)
            self._tick()

    def _next_message(self) -> Message | None:
        wait = self._temper.tick
        if self._systemd.watchdog is not None:
            wait = min(wait, self._systemd.watchdog / 3)
        while wait > 0:
            try:
                return self._inbox.get(timeout=min(wait, HEED))
            except Empty:
                wait -= HEED
        return None

    def _beat(self) -> None:
        """The timer is alive; the next beat will show whether it still is."""
        self._last_beat = self._clock.monotonic()
        self._timer.set(HEARTBEAT, self._clock.now() + timedelta(seconds=self._temper.tick))

    def _tick(self) -> None:
        self._timer.look()
        if self._is_well():
            self._systemd.tell(WATCHDOG=1)

    def _is_well(self) -> bool:
        """Whether time and work get on; systemd starts us anew if not."""
        silence = self._clock.monotonic() - self._last_beat
        if silence > BEATS * self._temper.tick:
            log.error("the timer is stuck since %.0f s", silence)
            return False
        for lane in self._lanes:
            if lane.pulse.is_stuck:
                log.error("the work on %s is stuck", lane.name)
                return False
        return True

    # What happens

    def _due(self, name: str) -> None:
        if name == HEARTBEAT:
            self._beat()
            return
        job = self._plan_of.jobs.get(name)
        if job is not None:
            self._plan([job])  # a sync by hand may have come before

    def _new_mail(self, account: str) -> None:
        scheduled = self._plan_of.jobs.get(f"{JobKind.SYNC} {account}")
        job = scheduled or self._unscheduled.get(account)
        if job is not None:  # else a watch of the configuration before called late
            log.info("%s: something happened in a watched mailbox", account)
            self._mail.add(job)

    def _ended(self, ended: RunEnded) -> None:
        self._plan_of.remember(ended)
        job = self._plan_of.jobs.get(ended.job.name)
        if job is not None and not ended.made_room:
            self._plan([job])

    def _plan(self, jobs: Iterable[Job]) -> None:
        """Begin what is due, and set the timer for the rest."""
        wanted = [job for job in jobs if not self._lane(job).holds(job)]
        if not wanted:
            return
        now = self._clock.now()
        try:
            starts = self._plan_of.starts(wanted, now)
            self._publish(TroubleOver(now, Topic.PLANNING))
        except MailvaultError as error:
            self._complain(Topic.PLANNING, f"cannot plan: {error}", error.hint)
            starts = dict.fromkeys(wanted, now + RETRY)
        for job, at in starts.items():
            if at <= now:
                self._lane(job).add(job)
            else:
                log.debug("%s: next at %s", job.name, at)
                self._timer.set(job.name, at)

    def _lane(self, job: Job) -> Lane:
        return self._mail if job.kind in (JobKind.SYNC, JobKind.COPY) else self._chores

    def _complain(self, topic: Topic, what: str, hint: str | None) -> None:
        log.error("%s", what)
        self._publish(Trouble(self._clock.now(), what, hint, topic=topic))

    # Configurations

    def _adopt(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._publish: Callable[[Event], None] = self._listeners(configuration)
        self._plan_of = Plan(configuration)
        self._unscheduled = _unscheduled(configuration, self._plan_of)

    def _make_lanes(self) -> tuple[MailLane, Lane]:
        mail, chores = (Pulse(self._clock, stall=self._temper.stall) for _ in range(2))
        done, slot = self._inbox.put, self._temper.slot
        return (
            MailLane(self._work(mail), mail, done, self._clock, slot=slot),
            Lane(self._work(chores), chores, done),
        )

    def _work(self, pulse: Pulse) -> Work:
        return Work(self._configuration, self._publish, pulse, LOCK_WAIT)

    def _start(self) -> None:
        self._beat()
        self._publish(TroubleOver(self._clock.now(), Topic.CONFIGURATION))
        if not (self._plan_of.jobs or self._unscheduled):
            log.warning("nothing is scheduled and no account is watched: docs/unattended.md")
        self._plan(self._plan_of.jobs.values())
        for name, account in self._configuration.accounts.items():
            if account.watch:
                called = partial(self._inbox.put, NewMail(name))
                self._watches[name] = Watch(account, called, self._temper.pace)
                self._watches[name].start()

    def _reload(self, lease: Lease) -> Lease:
        """Take the configuration of the file, unless anything is wrong with it."""
        microseconds = int(self._clock.monotonic() * 1_000_000)
        self._systemd.tell(RELOADING=1, MONOTONIC_USEC=microseconds)
        new_lease: Lease | None = None
        try:
            configuration = load(self._configuration.path)
            if configuration.archive != self._configuration.archive:
                new_lease = wiring.take_lease(configuration)
        except MailvaultError as error:
            self._complain(
                Topic.CONFIGURATION, f"keeps the old configuration: {error}", error.hint
            )
        else:
            self._exchange(configuration)
        self._systemd.tell(READY=1, STATUS=self._status())
        if new_lease is None:
            return lease
        lease.close()
        return new_lease

    def _exchange(self, configuration: Configuration) -> None:
        self._stop_watches()
        self._timer.clear()
        plan = self._plan_of
        self._adopt(configuration)
        self._plan_of.inherit(plan)
        for lane in self._lanes:
            lane.exchange(self._work(lane.pulse))
        self._start()
        log.info("the configuration is loaded anew: %s", self._status())

    def _status(self) -> str:
        return f"{len(self._plan_of.jobs)} jobs, {len(self._watches)} accounts watched"

    # Ends

    def _listen_to_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: self._told_to_stop(number))
        signal.signal(signal.SIGHUP, lambda *_: self._inbox.put(Reload()))

    def _told_to_stop(self, number: int) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda number, _: os._exit(128 + number))
        # Whatever else the machine has to do: ending late is worse than ending hard.
        last_resort = threading.Timer(LAST_RESORT, os._exit, [0])
        last_resort.daemon = True
        last_resort.start()
        self._inbox.put(Stop(number))

    def _stop_watches(self) -> None:
        while self._watches:
            self._watches.popitem()[1].stop()

    def _end(self) -> None:
        """Give work under way a moment to end at a batch; the archive bears a kill anyway."""
        self._stop_watches()
        for lane in self._lanes:
            lane.stop()
        end = self._clock.monotonic() + GRACE
        is_over = [lane.join(max(0.0, end - self._clock.monotonic())) for lane in self._lanes]
        self._timer.stop()
        self.has_ended = all(is_over)
        log.info("ended%s", "" if self.has_ended else "; what was under way goes on next time")


def _unscheduled(configuration: Configuration, plan: Plan) -> dict[str, Job]:
    """The syncs of accounts that are watched, but have no schedule."""
    never = Timing(Every(math.inf))
    return {
        account.name: Job(JobKind.SYNC, account.name, never, "watch")
        for account in configuration.accounts.values()
        if account.watch and f"{JobKind.SYNC} {account.name}" not in plan.jobs
    }
