"""The numbers for Prometheus, as values: names, meanings and samples. Pure.

The only label that says whose mail it is holds the account's name in the configuration.
"""

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypeVar

from mailvault import __version__
from mailvault.archive.catalog.views import AccountStatus, JobView, LastRunView
from mailvault.monitoring.overview import Overview
from mailvault.monitoring.states import State, state_of
from mailvault.monitoring.tally import Count

Labels = TypeVar("Labels", bound=tuple[str, ...])
Sample: TypeAlias = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with its samples. A counter's name is given without ``_total``."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    is_counter: bool = False


OfAccount: TypeAlias = Callable[[Overview, AccountStatus], float | None]
OfRun: TypeAlias = Callable[[LastRunView], float | None]

_ACCOUNTS: tuple[tuple[str, str, OfAccount], ...] = (
    ("last_success_timestamp_seconds", "When the account was last synced without an error.",
     lambda _, account: _stamp(account.last_success)),
    ("last_success_age_seconds", "Seconds since then.",
     lambda overview, account: overview.age_seconds(account)),
    ("last_run_failed", "Whether the last run of the account ended with an error.",
     lambda _, account: None if account.last_run is None else bool(account.last_error)),
    ("next_run_timestamp_seconds", "When the schedule wants the account synced next.",
     lambda overview, account: _stamp(overview.next_runs.get(account.account))),
    ("messages", "Messages in the account's mailboxes.", lambda _, account: account.messages),
    ("bytes", "Octets of these messages.", lambda _, account: account.octets),
    ("debts", "Messages that are owed: seen, but not archived.",
     lambda _, account: account.debts),
    ("suspicions", "Losses that look like a disaster and that nobody has accepted.",
     lambda _, account: account.suspicions),
    ("needs_login", "Whether only a person with a browser can go on.",
     lambda overview, account: account.account in overview.logins_needed),
    ("login_refusals", "Logins in a row that the server has refused.",
     lambda overview, account: _refusals(overview, account)),
    ("suspended", "Whether the account rests for now.",
     lambda overview, account: overview.pause(account) is not None),
    ("late", "Whether it had no success for an hour more than its schedule wants.",
     lambda overview, account: account.account in overview.late),
    ("overdue", "Whether it had no success for so long that it is an alarm.",
     lambda overview, account: account.account in overview.overdue),
)  # fmt: skip

_RUNS: tuple[tuple[str, str, OfRun], ...] = (
    ("last_run_timestamp_seconds", "When the account's last run ended.",
     lambda run: run.finished_at.timestamp()),
    ("last_run_duration_seconds", "From the beginning of that run to the account's end in it.",
     lambda run: max(0.0, (run.finished_at - run.started_at).total_seconds())),
    ("last_run_exit_code", "How that run ended, with all accounts that were in it.",
     lambda run: run.exit_code),
    ("last_run_messages", "Messages that arrived in it.", lambda run: run.arrived),
    ("last_run_bytes", "Octets that arrived in it.", lambda run: run.octets),
)  # fmt: skip


def families_of(overview: Overview) -> Iterator[Family]:
    """What the archive knows."""
    for name, meaning, of in _ACCOUNTS:
        samples = ((each.account, of(overview, each)) for each in overview.accounts)
        yield _by_account(name, meaning, samples)
    runs = overview.last_runs.values()
    for name, meaning, of_run in _RUNS:
        yield _by_account(name, meaning, ((run.account, of_run(run)) for run in runs))
    yield Family(
        "mailvault_account_state",
        "1 for the state that the account is in, as status names it.",
        ("account", "state"),
        tuple(
            ((each.account, str(state)), float(state_of(overview, each) is state))
            for each in overview.accounts
            for state in State
        ),
    )
    yield from _of_archive(overview)
    yield from _of_jobs(overview)


def _by_account(name: str, meaning: str, samples: Iterator[tuple[str, float | None]]) -> Family:
    known = tuple(((who,), float(value)) for who, value in samples if value is not None)
    return Family(f"mailvault_account_{name}", meaning, ("account",), known)


def _of_archive(overview: Overview) -> Iterator[Family]:
    status, coverage = overview.status, overview.coverage
    for name, meaning, value in (
        ("messages", "Distinct messages in the archive.", status.messages),
        ("placements", "Places in mailboxes where they lie.", status.placements),
        ("bytes", "Octets of the distinct messages.", status.octets),
        ("stored_bytes", "Octets that the content takes on disk.", overview.stored_octets),
        ("free_bytes", "Octets that may still be written there.", overview.free_octets),
        ("never_verified_messages", "Messages that were never read back.", coverage.never),
        ("oldest_unverified_timestamp_seconds", "Since then all was read back, or archived.",
         _stamp(coverage.oldest)),
    ):  # fmt: skip
        yield single(f"mailvault_archive_{name}", meaning, value)


def _of_jobs(overview: Overview) -> Iterator[Family]:
    def family(name: str, meaning: str, of: Callable[[JobView], float]) -> Family:
        samples = tuple(
            ((job.kind, job.account or ""), float(of(job))) for job in overview.jobs
        )
        return Family(f"mailvault_job_last_{name}", meaning, ("job", "account"), samples)

    yield family(
        "timestamp_seconds",
        "When verify, drill, copy, prune or repair last ended.",
        lambda job: job.finished_at.timestamp(),
    )
    yield family(
        "duration_seconds",
        "How long it took.",
        lambda job: max(0.0, (job.finished_at - job.started_at).total_seconds()),
    )
    yield family("exit_code", "How it ended; 0 is well.", lambda job: job.exit_code)


def families_of_program(*, is_readable: bool) -> Iterator[Family]:
    """What is known whatever the archive is like."""
    yield Family(
        "mailvault_build_info",
        "The release that tells this.",
        ("version", "python"),
        (((__version__, platform.python_version()), 1.0),),
    )
    meaning = "Whether the archive could be read; if not, its numbers are missing."
    yield single("mailvault_archive_readable", meaning, is_readable)


def families_of_daemon(count: Count) -> Iterator[Family]:
    """What a running daemon counts."""
    running = tuple(((str(job.kind), job.account or ""), 1.0) for job in count.running)
    meaning = "1 for each job that is under way."
    yield Family("mailvault_running", meaning, ("job", "account"), running)
    yield _counter(
        "runs", "Jobs done, by how they ended: ok, incomplete (3), failed.",
        ("job", "account", "result"), count.runs,
    )  # fmt: skip
    yield _counter("run_seconds", "Time spent on jobs.", ("job", "account"), count.seconds)
    for name, meaning, by_account in (
        ("archived_messages", "Messages that arrived.", count.messages),
        ("archived_bytes", "Octets that arrived.", count.octets),
        ("login_failures", "Logins that were refused.", count.login_failures),
    ):
        yield _counter(name, meaning, ("account",), {(k,): v for k, v in by_account.items()})
    troubles = {(): count.troubles}
    yield _counter("troubles", "Troubles outside of jobs, as the log tells.", (), troubles)


def _counter(
    name: str, meaning: str, labels: tuple[str, ...], found: Mapping[Labels, float]
) -> Family:
    samples = tuple((key, float(value)) for key, value in sorted(found.items()))
    return Family(f"mailvault_{name}", f"{meaning} Since the daemon began.", labels, samples,
                  is_counter=True)  # fmt: skip


def single(name: str, meaning: str, value: float | None) -> Family:
    return Family(name, meaning, (), () if value is None else (((), float(value)),))


def _stamp(instant: datetime | None) -> float | None:
    return None if instant is None else instant.timestamp()


def _refusals(overview: Overview, account: AccountStatus) -> int:
    standing = overview.standings.get(account.account)
    return standing.refusals if standing else 0
