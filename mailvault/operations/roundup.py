"""What a digest tells of a stretch of time: numbers, names of accounts, and no mail.

In the configuration and to users it is the "digest"; here that word is a message's SHA-256.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mailvault.archive.catalog.views import AccountStatus, JobView, PeriodView
from mailvault.schedule.due import JobKind

if TYPE_CHECKING:
    from mailvault.archive.archive import Archive

_KINDS = (JobKind.VERIFY, JobKind.DRILL, JobKind.COPY)
_NOTHING = PeriodView("", 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class AccountRoundup:
    """``messages`` and ``octets`` came in the time; the rest is as it is at its end."""

    account: str
    runs_well: int
    runs_failed: int
    messages: int
    octets: int
    debts: int
    suspicions: int
    last_success: datetime | None
    is_failing: bool = False
    is_overdue: bool = False
    needs_login: bool = False

    def complaints(self) -> Iterator[str]:
        """What a person should look at."""
        for is_so, words in (
            (self.needs_login, "needs login"),
            (self.is_failing, "its last run failed"),
            (self.is_overdue, "overdue" if self.last_success else "never had a success"),
            (self.suspicions, f"{self.suspicions} suspicious"),
            (self.debts, f"{self.debts} owed"),
        ):
            if is_so:
                yield f"{self.account}: {words}"


@dataclass(frozen=True, slots=True)
class JobRoundup:
    """How a verify, drill or copy ended last, whether in the time or before it."""

    job: str
    account: str | None
    ended_at: datetime
    exit_code: int

    @property
    def name(self) -> str:
        return f"{self.job} {self.account}" if self.account else self.job


@dataclass(frozen=True, slots=True)
class Roundup:
    """``error`` says why the archive could not be read; then the rest is missing.

    ``troubles`` are open, and of no account and no job.
    """

    since: datetime
    until: datetime
    accounts: tuple[AccountRoundup, ...] = ()
    jobs: tuple[JobRoundup, ...] = ()
    stored_octets: int | None = None
    error: str | None = None
    troubles: tuple[str, ...] = ()

    def attention(self) -> list[str]:
        """Everything that a person should look at; empty if all is well."""
        found = [] if self.error is None else [f"the archive cannot be read: {self.error}"]
        found += self.troubles
        for account in self.accounts:
            found += account.complaints()
        found += [
            f"{job.name}: ended with exit code {job.exit_code}"
            for job in self.jobs
            if job.exit_code
        ]
        return found


@dataclass(frozen=True, slots=True)
class Plight:
    """The accounts of which more is known than the archive knows."""

    overdue: Collection[str] = ()
    logins_needed: Collection[str] = ()


def read_roundup(
    archive: "Archive",
    accounts: Collection[str],
    plight: Plight,
    since: datetime,
    until: datetime,
) -> Roundup:
    """Gather it for these accounts; takes no lock. Raises ArchiveError."""
    catalog = archive.catalog
    periods = {each.account: each for each in catalog.periods(since, until)}
    known = {each.account: each for each in catalog.status().accounts}
    return Roundup(
        since=since,
        until=until,
        accounts=tuple(_of(name, periods, known, plight) for name in sorted(accounts)),
        jobs=tuple(_of_job(each) for each in catalog.last_jobs() if each.kind in _KINDS),
        stored_octets=archive.content.stored_octets(),
    )


def _of(
    name: str,
    periods: Mapping[str, PeriodView],
    known: Mapping[str, AccountStatus],
    plight: Plight,
) -> AccountRoundup:
    period = periods.get(name, _NOTHING)
    status = known.get(name) or AccountStatus(name, "", None, None, None, 0, 0, 0, 0)
    return AccountRoundup(
        account=name,
        runs_well=period.runs_well,
        runs_failed=period.runs_failed,
        messages=period.arrived,
        octets=period.octets,
        debts=status.debts,
        suspicions=status.suspicions,
        last_success=status.last_success,
        is_failing=bool(status.last_error),
        is_overdue=name in plight.overdue,
        needs_login=name in plight.logins_needed,
    )


def _of_job(job: JobView) -> JobRoundup:
    return JobRoundup(job.kind, job.account, job.finished_at, job.exit_code)
