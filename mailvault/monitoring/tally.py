"""What a daemon counts of the jobs it does, and which are under way."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from mailvault.errors import LoginPaused, LoginRefused
from mailvault.operations.ended import Event, RunBegan, RunEnded, Trouble
from mailvault.schedule.due import Job

RESULTS = {0: "ok", 3: "incomplete"}
"""By exit code; every other one is ``failed``."""


@dataclass(frozen=True, slots=True)
class Count:
    """Since the program began. Runs by job, account and result; seconds by job and account."""

    running: Mapping[Job, datetime] = field(default_factory=dict)
    runs: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    seconds: Mapping[tuple[str, str], float] = field(default_factory=dict)
    messages: Mapping[str, int] = field(default_factory=dict)
    octets: Mapping[str, int] = field(default_factory=dict)
    login_failures: Mapping[str, int] = field(default_factory=dict)
    troubles: int = 0


class Tally:
    """A listener; of any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: dict[Job, datetime] = {}
        self._runs: Counter[tuple[str, str, str]] = Counter()
        self._seconds: dict[tuple[str, str], float] = {}
        self._messages: Counter[str] = Counter()
        self._octets: Counter[str] = Counter()
        self._login_failures: Counter[str] = Counter()
        self._troubles = 0

    def __call__(self, event: Event) -> None:
        with self._lock:
            match event:
                case RunBegan(job, at):
                    self._running[job] = at
                case RunEnded():
                    self._running.pop(event.job, None)
                    self._count(event)
                case Trouble():
                    self._troubles += 1

    def count(self) -> Count:
        """What has come together so far."""
        with self._lock:
            return Count(
                dict(self._running),
                dict(self._runs),
                dict(self._seconds),
                dict(self._messages),
                dict(self._octets),
                dict(self._login_failures),
                self._troubles,
            )

    def _count(self, ended: RunEnded) -> None:
        kind, account = str(ended.job.kind), ended.job.account or ""
        seconds = max(0.0, (ended.at - ended.began_at).total_seconds())
        self._seconds[kind, account] = self._seconds.get((kind, account), 0.0) + seconds
        if ended.report is not None:
            self._messages[account] += sum(each.arrived for each in ended.report.mailboxes)
            self._octets[account] += sum(each.octets for each in ended.report.mailboxes)
            error = ended.error
            is_refused = isinstance(error, LoginRefused) and not isinstance(error, LoginPaused)
            self._login_failures[account] += is_refused
        if not ended.made_room:
            self._runs[kind, account, RESULTS.get(ended.exit_code, "failed")] += 1
