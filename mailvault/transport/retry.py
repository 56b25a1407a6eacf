"""Trying again: how often, how long between, and which failures deserve it."""

import logging
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from mailvault.errors import ConnectionLost, ServerBusy
from mailvault.ports import Clock

log = logging.getLogger(__name__)

NOTICEABLE = 15.0
"""Seconds. Whoever waits that long is told for what, without having asked for a log."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double, with jitter so that many clients do not return together."""

    attempts: int = 5
    first: float = 1.0
    longest: float = 60.0
    busy: float = 30.0  # the least wait after a server said that it is overloaded
    bearable: float = math.inf  # a server that names a longer wait is not waited for

    def waits(self, chance: Callable[[], float] = random.random) -> Iterator[float]:
        """Yield the seconds to wait before the second attempt, the third, and so on."""
        wait = self.first
        for _ in range(self.attempts - 1):
            yield wait * (0.5 + chance())
            wait = min(wait * 2, self.longest)


def retrying(
    action: Callable[[], T],
    clock: Clock,
    backoff: Backoff = Backoff(),
    chance: Callable[[], float] = random.random,
) -> T:
    """Do `action` until it succeeds or the attempts are used up; then its error stands.

    Only a lost connection and a busy server are worth another attempt: asking again with
    refused credentials locks accounts, and a refused certificate will not get better.
    """
    for wait in backoff.waits(chance):
        try:
            return action()
        except ServerBusy as error:
            wait = max(wait, error.retry_after or backoff.busy * (1 + chance() / 4))
            if wait > backoff.bearable:
                raise
            _tell(error, wait)
        except ConnectionLost as error:
            _tell(error, wait)
        clock.sleep(wait)
    return action()


def waiting_out(
    action: Callable[[], T], clock: Clock, *, longest: float = 60.0, usual: float = 20.0
) -> T:
    """Do `action`; while a server says that it is busy, wait, in all at most `longest` seconds.

    Nothing else is tried again. A wait that would be longer is not begun: its error stands.
    """
    left = longest
    while True:
        try:
            return action()
        except ServerBusy as busy:
            wait = max(1.0, usual if busy.retry_after is None else busy.retry_after)
            if wait > left:
                raise
            _tell(busy, wait)
        clock.sleep(wait)
        left -= wait


def _tell(error: Exception, wait: float) -> None:
    level = logging.INFO if wait < NOTICEABLE else logging.WARNING
    log.log(level, "%s; next attempt in %.0f s", error, wait)
