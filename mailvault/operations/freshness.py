"""Decides which accounts have gone without a success for too long. Pure.

A backup that stops without anyone noticing is the classic loss: the alarms and
`status --check` ask the same question here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Freshness:
    """An account: when it last succeeded, and after how many seconds that is too long ago.

    ``since`` is when it was first known, for one that never succeeded; None is long ago.
    """

    account: str
    last_success: datetime | None
    limit: float
    since: datetime | None = None

    def is_overdue(self, now: datetime) -> bool:
        reference = self.last_success or self.since
        return reference is None or now - reference >= timedelta(seconds=self.limit)


def overdue(accounts: Iterable[Freshness], now: datetime) -> list[Freshness]:
    """Those that had no success for their limit, or never had one."""
    return [each for each in accounts if each.is_overdue(now)]


def freshness_of(
    limits: Mapping[str, float],
    successes: Mapping[str, datetime | None],
    since: Mapping[str, datetime],
) -> list[Freshness]:
    """Bring together what is known of each account that has a limit."""
    return [
        Freshness(name, successes.get(name), limit, since.get(name))
        for name, limit in limits.items()
    ]
