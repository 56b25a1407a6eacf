"""What the daemon and `run --due` publish: that a job began, how it ended, what is wrong.

Notifications, metrics and status files listen to these and to nothing else.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from mailvault.errors import MailvaultError
from mailvault.operations.reports import AccountReport
from mailvault.schedule.due import Job

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A job begins."""

    job: Job
    at: datetime


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A job was done, well or not. ``report`` is there for the sync of an account.

    ``detail`` says in a few words how it went; never whom the mail is from or about.
    """

    job: Job
    began_at: datetime
    at: datetime
    exit_code: int
    detail: str
    report: AccountReport | None = None
    error: MailvaultError | None = None
    checked: int = 0
    octets: int = 0

    @property
    def made_room(self) -> bool:
        """It is not done yet, and goes on as soon as there is a place again."""
        from mailvault.errors import TimeIsUp

        return isinstance(self.error, TimeIsUp)


class Topic(StrEnum):
    """What can be wrong although no job ended."""

    CONFIGURATION = "configuration"
    PLANNING = "planning"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong although no job ended: a refused configuration."""

    at: datetime
    what: str
    hint: str | None = None
    job: Job | None = None
    topic: Topic = Topic.PLANNING
    account: str | None = None


@dataclass(frozen=True, slots=True)
class TroubleOver:
    """Nothing of this topic is wrong now, whether anything was or not."""

    at: datetime
    topic: Topic
    account: str | None = None


Event: TypeAlias = RunBegan | RunEnded | Trouble | TroubleOver
Listener: TypeAlias = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Publisher:
    """Tells every listener of every event. One that fails costs nobody anything."""

    listeners: tuple[Listener, ...] = ()

    def __call__(self, event: Event) -> None:
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:  # an alarm that fails must not stop the backup
                log.exception("a listener failed")


def sync_detail(report: AccountReport) -> str:
    """How the sync of an account went, in a few words."""
    if report.error is not None:
        return str(report.error)
    parts = [f"{sum(each.arrived for each in report.mailboxes)} new"]
    for count, words in (
        (sum(each.flags_changed for each in report.mailboxes), "flags changed"),
        (sum(each.expunged for each in report.mailboxes), "expunged"),
        (report.debts, "owed"),
        (sum(each.error is not None for each in report.mailboxes), "mailboxes failed"),
    ):
        parts += [f"{count} {words}"] if count else []
    is_suspicious = report.suspicion or any(each.suspicion for each in report.mailboxes)
    return ", ".join([*parts, *(["suspicious"] if is_suspicious else [])])
