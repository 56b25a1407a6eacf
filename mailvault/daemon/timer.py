"""The alarm clock: APScheduler keeps the times, and calls when one has come.

It is told instants and nothing of rhythms: `schedule` decides those, for its cron differs
from everybody else's (0 is Monday, 7 and @daily unknown, the autumn hour twice).
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

logging.getLogger("apscheduler").setLevel(logging.WARNING)

DEFAULTS = {
    "coalesce": True,
    "max_instances": 1,
    "misfire_grace_time": None,  # the default drops a job whose thread woke a second late
}


class Timer:
    """Calls ``due`` with a name when the time has come that was set for it."""

    def __init__(self, due: Callable[[str], None]) -> None:
        self._due = due
        self._scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults=DEFAULTS,
            timezone=UTC,
        )

    def start(self) -> None:
        self._scheduler.start()

    def set(self, name: str, at: datetime) -> None:
        """Call at this time, instead of the one that was set before."""
        self._scheduler.add_job(
            self._due, "date", run_date=at, args=[name], id=name, replace_existing=True
        )

    def clear(self) -> None:
        self._scheduler.remove_all_jobs()

    def look(self) -> None:
        """Look at the clock now: sleeping threads take no notice of one that was set."""
        self._scheduler.wakeup()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)
