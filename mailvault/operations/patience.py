"""When an account may be asked again after its server said no. Pure: decides, does nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from mailvault.archive.standings import Standing
from mailvault.errors import (
    AccountSuspended,
    LoginPaused,
    LoginRefused,
    MailvaultError,
    NeedsLogin,
    ServerBusy,
)

AFTER_REFUSALS = tuple(timedelta(minutes=m) for m in (10, 60, 240, 720, 1440))
"""The pause after the first refused login in a row, the second, and so on."""

AFTER_BUSY = timedelta(minutes=15)
"""The pause after a server that does not say how long it wants to be left alone."""

LONGEST = timedelta(days=1)
"""No server keeps us away for longer, whatever it says."""


def pause(standing: Standing, now: datetime, *, by_hand: bool) -> MailvaultError | None:
    """Why the account is not to be asked now; None if it may be.

    A person who names the account may try again. A clock that went back pauses nothing for
    longer than the longest pause.
    """
    until = standing.until
    if by_hand or until is None or not now < until <= now + LONGEST + AFTER_BUSY:
        return None
    reason = standing.reason or "the server asked for a pause"
    if standing.refusals:
        return LoginPaused(
            f"not asked again before {shown(until)}: {reason}",
            until=until,
            hint="correct the password, or name the account: mailvault sync ACCOUNT",
        )
    return AccountSuspended(f"goes on after {shown(until)}: {reason}", until=until)


def judged(error: MailvaultError | None, now: datetime) -> MailvaultError | None:
    """A busy server suspends the account; everything else stays what it is."""
    if not isinstance(error, ServerBusy):
        return error
    wait = AFTER_BUSY if error.retry_after is None else timedelta(seconds=error.retry_after)
    until = now + min(wait, LONGEST)
    return AccountSuspended(f"{error}; goes on after {shown(until)}", until=until)


def standing_after(
    standing: Standing,
    error: MailvaultError | None,
    now: datetime,
    mark: Callable[[], str | None] = lambda: None,
) -> Standing:
    """How the account stands after a run that ended with ``error``.

    ``mark`` is asked for the mark of a secret that was refused.
    """
    match error:
        case LoginPaused() | NeedsLogin():
            return standing  # the server was not asked
        case LoginRefused():
            refusals = standing.refusals + 1
            wait = AFTER_REFUSALS[min(refusals, len(AFTER_REFUSALS)) - 1]
            paused = replace(standing, refusals=refusals, until=now + wait, reason=str(error))
            return replace(paused, secret=mark())
        case AccountSuspended():
            until = error.until
            return replace(standing, refusals=0, until=until, reason=str(error), secret=None)
        case None:
            return at_ease(standing)
        case _:
            return standing  # what has nothing to do with politeness ends no pause


def at_ease(standing: Standing) -> Standing:
    """Nothing is held against the account any more."""
    return replace(standing, refusals=0, until=None, reason=None, secret=None)


def shown(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M UTC")
