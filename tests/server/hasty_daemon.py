"""The daemon in a hurry, for tests: run as a program with a configuration and its tempers.

It says on standard output what a test may wait for, one JSON object a line.
"""

import json
import logging
import os
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

from mailvault import wiring
from mailvault.config.load import load
from mailvault.config.model import Configuration
from mailvault.daemon.daemon import Daemon, NewMail, Stop, Temper
from mailvault.daemon.notify_socket import NotifySocket
from mailvault.daemon.watch import Pace
from mailvault.housekeeping import bound_heap
from mailvault.operations.ended import Event, Publisher, RunEnded, Trouble
from mailvault.wiring import telling

STEP = 10
"""The memory in use is told after so many syncs, and again after so many more."""


class LeapingClock(wiring.SystemClock):
    """A clock that somebody sets forward."""

    leapt = timedelta()

    def now(self) -> datetime:
        return super().now() + self.leapt


class Teller:
    """Tells of every job that ended; asks for the next sync until there were enough."""

    def __init__(self, syncs: int, clock: LeapingClock, leap: int) -> None:
        self._syncs = syncs
        self._clock = clock
        self._leap = timedelta(seconds=leap)
        self._done = 0
        self.daemon: Daemon | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Trouble):
            _tell(trouble=event.what)
        if not isinstance(event, RunEnded):
            return
        self._done += 1
        if self._leap and self._done == 1:
            # When everything was planned by the old time.
            threading.Timer(0.5, setattr, (self._clock, "leapt", self._leap)).start()
        _tell(job=event.job.name, code=event.exit_code, detail=event.detail)
        if self._done % STEP == 0:
            _tell(syncs=self._done, resident=_resident())
        if not self._syncs:
            return
        assert self.daemon is not None
        if self._done < self._syncs:
            self.daemon.put(NewMail(event.job.account or ""))
        else:
            _tell(threads=len(os.listdir("/proc/self/task")))  # noqa: PTH208
            self.daemon.put(Stop(15))


def _tell(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


def _resident() -> int:
    """Octets of memory in use."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def main(configuration: str, wishes: str) -> None:
    bound_heap()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    chosen = json.loads(wishes)
    clock = LeapingClock()
    teller = Teller(chosen.pop("syncs", 0), clock, chosen.pop("leap", 0))
    paces = {key: chosen.pop(key) for key in ("poll", "pauses", "renewal") if key in chosen}
    pace = Pace(settle=0.0, **paces)
    alarms = telling.Teller(is_lasting=True, ages_every=chosen.pop("ages_every", None))
    settings = load(Path(configuration))

    def listeners(configuration: Configuration) -> Publisher:
        return Publisher((teller, *alarms.follow(configuration)))

    daemon = Daemon(
        settings,
        systemd=NotifySocket.from_environment(os.environ),
        listeners=listeners,
        temper=Temper(pace=pace, **chosen),
        clock=clock,
    )
    teller.daemon = daemon
    with alarms:
        daemon.run(wiring.take_lease(settings))
    if not daemon.has_ended:
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
