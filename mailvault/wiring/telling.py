"""Attaches the alarms to whoever does jobs: the daemon, `run --due`, and commands by hand."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Self

from mailvault.clock import SystemClock
from mailvault.config.model import Configuration
from mailvault.errors import ArchiveLocked, MailvaultError, UsageError

if TYPE_CHECKING:
    from mailvault.alarms.alarms import Alarms
    from mailvault.operations.ended import Event, Listener
    from mailvault.operations.reports import AccountReport, SyncReport
    from mailvault.schedule.due import Job

LAST_WORDS = 60.0
"""Seconds for a command's alarms at its end; what nobody took by then is tried next time."""

IN_A_HURRY = 0.5
_BUG = 1


class Teller:
    """Has the alarms of the present configuration, if it wants any.

    Who is lasting looks each ``ages_every`` seconds for accounts without a success.
    """

    def __init__(self, *, is_lasting: bool = False, ages_every: float | None = None) -> None:
        self._is_lasting = is_lasting
        self._ages_every = ages_every
        self._alarms: Alarms | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        is_hurried = self._is_lasting or not (kind is None or issubclass(kind, Exception))
        if self._alarms is not None:
            self._alarms.close(IN_A_HURRY if is_hurried else LAST_WORDS)

    def follow(self, configuration: Configuration) -> "tuple[Listener, ...]":
        """Who is to hear of events under this configuration."""
        if self._alarms is not None:
            self._alarms.exchange(configuration)
        elif is_wanted(configuration):
            from mailvault.alarms.alarms import AGES_EVERY, Alarms
            from mailvault.wiring.sight import sight

            self._alarms = Alarms(
                configuration,
                sight(),
                is_lasting=self._is_lasting,
                ages_every=self._ages_every or AGES_EVERY,
            )
        return () if self._alarms is None else (self._alarms.hear,)


def is_wanted(configuration: Configuration) -> bool:
    """Whether anybody is to be told of anything."""
    notify = configuration.notify
    return bool(
        notify.ping
        or notify.webhook
        or notify.command
        or notify.commands
        or notify.apprise
        or notify.email_to
    )


@dataclass(slots=True)
class ByHand:
    """The jobs of a command somebody typed, or cron ran; its end is told as any other's."""

    jobs: "tuple[Job, ...]"
    listeners: "tuple[Listener, ...]"
    began_at: datetime
    clock: SystemClock = field(default_factory=SystemClock)

    def synced(self, report: "SyncReport") -> None:
        if not self.listeners:
            return
        from mailvault.operations.ended import sync_detail

        by_name = {each.name: each for each in report.accounts}
        for job in self.jobs:
            if (found := by_name.get(job.account or "")) is not None:
                detail = sync_detail(found)
                self._ended(job, found.exit_code, detail, report=found, error=found.error)

    def done(self, exit_code: int, detail: str) -> None:
        for job in self.jobs:
            self._ended(job, exit_code, detail)

    def failed(self, error: Exception) -> None:
        """A mistake on the command line is nobody's alarm, and neither is a busy archive."""
        if isinstance(error, UsageError | ArchiveLocked):
            return
        known = error if isinstance(error, MailvaultError) else None
        code = known.exit_code if known else _BUG
        detail = str(known) if known else f"unexpected error: {type(error).__name__}"
        for job in self.jobs:
            self._ended(job, code, detail, error=known)

    def tell(self, event: "Event") -> None:
        for listener in self.listeners:
            listener(event)

    def _ended(
        self,
        job: "Job",
        code: int,
        detail: str,
        *,
        report: "AccountReport | None" = None,
        error: MailvaultError | None = None,
    ) -> None:
        from mailvault.operations.ended import RunEnded

        now = self.clock.now()
        self.tell(RunEnded(job, self.began_at, now, code, detail, report, error))


@contextmanager
def telling(
    configuration: Configuration, kind: str, accounts: Sequence[str | None] = (None,)
) -> Iterator[ByHand]:
    """Tell how a command ends, a job of that kind. What it raises is told and raised on."""
    if not is_wanted(configuration):
        yield ByHand((), (), SystemClock().now())
        return
    from mailvault.operations.ended import RunBegan
    from mailvault.schedule.due import Job, JobKind, Timing
    from mailvault.schedule.rhythm import Every

    never = Timing(Every(math.inf))
    jobs = tuple(Job(JobKind(kind), account, never, "by hand") for account in accounts)
    with Teller() as teller:
        by_hand = ByHand(jobs, teller.follow(configuration), SystemClock().now())
        for job in jobs:
            by_hand.tell(RunBegan(job, by_hand.began_at))
        try:
            yield by_hand
        except Exception as error:
            by_hand.failed(error)
            raise


def try_channels(
    configuration: Configuration, only: str | None
) -> "dict[str, MailvaultError | None]":
    """Send a test by every channel, or by one; what went wrong with each."""
    from uuid import uuid4

    from mailvault.alarms.alarms import send_all
    from mailvault.alarms.channels import channels_of, ping
    from mailvault.alarms.ledger import Event as Why
    from mailvault.alarms.ledger import Notice

    channels = dict(channels_of(configuration))
    if configuration.notify.ping is not None:
        channels = {"ping": lambda _: ping(configuration.notify, ""), **channels}
    chosen = {name: send for name, send in channels.items() if only in (None, name)}
    if not chosen:
        raise UsageError(
            "nobody is configured to be told" + (f" by {only}" if only else ""),
            hint="add a way to [notify]; docs/alarms.md has examples",
        )
    summary = "this is a test; alarms reach you this way"
    return send_all(chosen, Notice(uuid4().hex, Why.TEST, SystemClock().now(), summary))
