"""What state an account is in, whether a person should look, and what to type then. Pure."""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from mailvault.archive.catalog.views import AccountStatus, JobView
from mailvault.monitoring.overview import Overview


class State(StrEnum):
    """Worst first."""

    NEEDS_LOGIN = "needs login"
    REFUSED = "login refused"
    FAILING = "failing"
    SUSPICIOUS = "suspicious"
    NEVER = "never synced"
    OVERDUE = "overdue"
    LATE = "late"
    OWED = "owed"
    PAUSED = "paused"
    OK = "ok"
    KEPT = "archive only"


class Severity(IntEnum):
    FINE = 0
    WARNING = 1
    ERROR = 2


SEVERITIES = {
    State.NEEDS_LOGIN: Severity.ERROR,
    State.REFUSED: Severity.ERROR,
    State.FAILING: Severity.ERROR,
    State.SUSPICIOUS: Severity.ERROR,
    State.NEVER: Severity.WARNING,
    State.OVERDUE: Severity.ERROR,
    State.LATE: Severity.WARNING,
    State.OWED: Severity.WARNING,
    State.PAUSED: Severity.FINE,
    State.OK: Severity.FINE,
    State.KEPT: Severity.FINE,
}
ORDER = {state: number for number, state in enumerate(State)}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, and what to type about it."""

    what: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """One account, judged."""

    status: AccountStatus
    state: State
    complaints: tuple[Complaint, ...] = ()

    @property
    def severity(self) -> Severity:
        return SEVERITIES[self.state]


TimeText = Callable[[datetime | None], str]


def judge_all(overview: Overview, time_text: TimeText) -> list[Judged]:
    """Every account, the worst first."""
    judged = [judge(overview, account, time_text) for account in overview.accounts]
    return sorted(judged, key=lambda each: (ORDER[each.state], each.status.account))


def judge(overview: Overview, account: AccountStatus, time_text: TimeText) -> Judged:
    if account.account not in overview.configured:
        return Judged(account, State.KEPT, tuple(_suspected(overview, account, time_text)))
    complaints = (
        *_hindered(overview, account, time_text),
        *_suspected(overview, account, time_text),
    )
    return Judged(account, state_of(overview, account), complaints)


def state_of(overview: Overview, account: AccountStatus) -> State:
    """The worst that can be said of an account."""
    if account.account not in overview.configured:
        return State.KEPT
    pause = overview.pause(account)
    facts = (
        (State.NEEDS_LOGIN, account.account in overview.logins_needed),
        (State.REFUSED, pause is not None and pause.refusals > 0),
        (State.FAILING, pause is None and bool(account.last_error)),
        (State.SUSPICIOUS, account.suspicions > 0),
        (State.NEVER, account.last_run is None),
        (State.OVERDUE, account.account in overview.overdue),
        (State.LATE, account.account in overview.late),
        (State.OWED, account.debts > 0),
        (State.PAUSED, pause is not None),
    )
    return next((state for state, is_so in facts if is_so), State.OK)


def _hindered(
    overview: Overview, account: AccountStatus, time_text: TimeText
) -> Iterator[Complaint]:
    """Why its mail does not come in."""
    name, pause = shlex.quote(account.account), overview.pause(account)
    if account.account in overview.logins_needed:
        reason = overview.logins_needed[account.account]
        yield Complaint(f"needs login: {reason}", f"mailvault login {name}")
    elif pause is not None:
        until = time_text(pause.until)
        reason = pause.reason or "the server asked for a pause"
        if pause.refusals:
            what = f"{reason}; not asked again before {until}"
            yield Complaint(what, f"correct the password, then: mailvault sync {name}")
        else:
            yield Complaint(f"rests until {until}: {reason}")
    elif account.last_error:
        yield Complaint(account.last_error, f"mailvault check {name}")
    if account.last_run is None:
        hint = f"mailvault sync {name}; an account that only takes mail: see docs/restore.md"
        yield Complaint("never synced", hint)
        return
    if account.account in overview.overdue or account.account in overview.late:
        since = account.last_success
        what = f"no success since {time_text(since)}, which is longer than its schedule wants"
        yield Complaint(
            what if since is not None else "it never had a success",
            f"mailvault log {name}, and see that mailvault daemon or run --due runs",
        )


def _suspected(
    overview: Overview, account: AccountStatus, time_text: TimeText
) -> Iterator[Complaint]:
    accept = f"mailvault accept {shlex.quote(account.account)}"
    for suspicion in overview.suspicions:
        if suspicion.account == account.account:
            where = f"{suspicion.mailbox}: " if suspicion.mailbox else ""
            back = way_back(account.account, suspicion.run)
            yield Complaint(f"suspicious since {time_text(suspicion.at)}: {where}"
                            f"{suspicion.reason}",
                            f"if it was meant: {accept}; if not: {back}")  # fmt: skip


def way_back(account: str, run: int) -> str:
    """The command that restores what an account had before a suspicious run."""
    return f"mailvault restore {shlex.quote(account)} --to ACCOUNT --at {run - 1}"


def is_job_well(job: JobView) -> bool:
    return job.exit_code == 0


def attention(judged: list[Judged]) -> list[Judged]:
    """The accounts that a person should look at."""
    return [each for each in judged if each.severity is not Severity.FINE]
