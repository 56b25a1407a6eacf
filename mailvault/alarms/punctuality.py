"""Decides when a digest is due. Pure.

It is due at the first of its times after the last digest, however late that is noticed: a
machine that was off tells one digest for all of it. Its times are those of cron, so that a
time that the spring skips comes as soon as it is over, and one that the autumn repeats once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from mailvault.alarms.ledger import Ledger
from mailvault.config.model import NotifySettings
from mailvault.schedule.rhythm import Cron, after

_DAYS = {"daily": "*", "weekly": "1"}
_LENGTHS = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class Punctuality:
    """When digests are wanted, by the clock on the wall of ``zone``."""

    rhythm: Cron
    length: timedelta
    zone: tzinfo

    def next_after(self, last: datetime) -> datetime:
        return after(self.rhythm, last, self.zone)


def punctuality_of(notify: NotifySettings, zone: Callable[[], tzinfo]) -> Punctuality | None:
    """None if no digest is wanted."""
    if notify.digest is None:
        return None
    hour, minute = notify.digest_at
    line = f"{minute} {hour} * * {_DAYS[notify.digest]}"
    return Punctuality(Cron(line), _LENGTHS[notify.digest], zone())


def begun(ledger: Ledger, wanted: Punctuality | None, now: datetime) -> Ledger:
    """The ledger with the time from which the next digest tells.

    A clock that was far ahead when it wrote the last one must not silence the next for years;
    one that was set back a little must not bring the same digest again.
    """
    last = ledger.digested_at
    if wanted is None:
        return ledger if last is None else replace(ledger, digested_at=None)
    if last is None or last - now > wanted.length:
        return replace(ledger, digested_at=now)
    return ledger


def due_since(ledger: Ledger, wanted: Punctuality | None, now: datetime) -> datetime | None:
    """From when a digest has to tell that is due now; None if none is."""
    last = ledger.digested_at
    if wanted is None or last is None or wanted.next_after(last) > now:
        return None
    return last
