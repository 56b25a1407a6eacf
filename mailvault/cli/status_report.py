"""What ``status`` gathers and how it is shown."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import (
    AccountStatus,
    DebtView,
    JobView,
    Status,
    SuspicionView,
)
from mailvault.archive.proofs import Coverage, read_coverage
from mailvault.archive.standings import Standing
from mailvault.cli.accept_report import suspicion_json
from mailvault.cli.job_shapes import job_json, job_lines
from mailvault.cli.output import JsonValue, json_time
from mailvault.cli.render import count_text, duration_text, size_text, table, time_text
from mailvault.cli.terminal import printable
from mailvault.config.model import Configuration

SHOWN_DEBTS = 20


@dataclass(frozen=True, slots=True)
class Overview:
    path: str
    store: str
    stored_octets: int
    status: Status
    accounts: tuple[AccountStatus, ...]
    debts: tuple[DebtView, ...]
    suspicions: tuple[SuspicionView, ...]
    now: datetime
    logins_needed: Mapping[str, str] = field(default_factory=dict)
    standings: Mapping[str, Standing] = field(default_factory=dict)
    next_runs: Mapping[str, datetime] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=lambda: Coverage(None, 0))
    jobs: tuple[JobView, ...] = ()

    def pause(self, account: AccountStatus) -> Standing | None:
        """How the account stands, if it is not to be asked now."""
        standing = self.standings.get(account.account)
        return standing if standing and standing.is_paused(self.now) else None

    def age_seconds(self, account: AccountStatus) -> int | None:
        """Seconds since the last success; None when there was none."""
        if account.last_success is None:
            return None
        return max(0, round((self.now - account.last_success).total_seconds()))


def read_overview(
    archive: Archive,
    configuration: Configuration,
    now: datetime,
    logins_needed: Mapping[str, str],
    next_runs: Mapping[str, datetime],
) -> Overview:
    """Gather what is known of the archive and of every account, synced yet or not.

    ``logins_needed`` says why, by account; ``next_runs`` when the schedules sync it.
    """
    status = archive.catalog.status()
    synced = {account.account: account for account in status.accounts}
    accounts = [*synced.values()]
    for name, settings in configuration.accounts.items():
        if name not in synced:
            accounts.append(
                AccountStatus(name, settings.protocol, None, None, None, 0, 0, 0, 0)
            )
    return Overview(
        path=str(archive.path),
        store=archive.store,
        stored_octets=archive.content.stored_octets(),
        status=status,
        accounts=tuple(sorted(accounts, key=lambda account: account.account)),
        debts=tuple(archive.catalog.debts()),
        suspicions=tuple(archive.catalog.suspicions()),
        now=now,
        standings=archive.standings.all(),
        logins_needed=logins_needed,
        next_runs=next_runs,
        coverage=read_coverage(archive.catalog),
        jobs=tuple(archive.catalog.last_jobs()),
    )


def status_json(overview: Overview) -> dict[str, JsonValue]:
    return {
        "schema": 1,
        "archive": {
            "path": overview.path,
            "store": overview.store,
            "messages": overview.status.messages,
            "placements": overview.status.placements,
            "octets": overview.status.octets,
            "stored_octets": overview.stored_octets,
            "oldest_unverified": json_time(overview.coverage.oldest),
            "never_verified": overview.coverage.never,
            "jobs": [job_json(job) for job in overview.jobs],
        },
        "accounts": [
            {
                "account": account.account,
                "protocol": account.protocol,
                "last_run": json_time(account.last_run),
                "last_success": json_time(account.last_success),
                "last_error": account.last_error,
                "age_seconds": overview.age_seconds(account),
                "messages": account.messages,
                "debts": account.debts,
                "suspicions": account.suspicions,
                "suspected": [
                    suspicion_json(each)
                    for each in overview.suspicions
                    if each.account == account.account
                ],
                "needs_login": account.account in overview.logins_needed,
                "suspended": overview.pause(account) is not None,
                "suspended_until": json_time(_until(overview.pause(account))),
                "next_run": json_time(overview.next_runs.get(account.account)),
            }
            for account in overview.accounts
        ],
    }


def status_lines(overview: Overview) -> Iterator[str]:
    status = overview.status
    yield f"archive   {printable(overview.path)} ({overview.store})"
    yield (
        f"          {count_text(status.messages, 'message')} in "
        f"{count_text(status.placements, 'place')}, {size_text(status.octets)}, "
        f"stored in {size_text(overview.stored_octets)}{_share(overview)}"
    )
    yield from job_lines(overview.coverage, overview.jobs)
    if overview.accounts:
        yield ""
    rows = [_row(overview, account) for account in overview.accounts]
    header = (
        *("account", "last run", "last success", "age", "next run"),
        *("messages", "size", "owed", "state"),
    )
    yield from table(header, rows, right=(5, 6, 7)) if rows else ()
    for name, reason in overview.logins_needed.items():
        yield printable(f"needs login: {name}: {reason}; mailvault login {shlex.quote(name)}")
    for suspicion in overview.suspicions:
        where = f" {suspicion.mailbox}" if suspicion.mailbox else ""
        accept = f"mailvault accept {shlex.quote(suspicion.account)}"
        yield printable(f"suspicious: {suspicion.account}{where}: {suspicion.reason}; {accept}")
    for debt in overview.debts[:SHOWN_DEBTS]:
        since = time_text(debt.owed_since)
        yield printable(
            f"owed since {since}: {debt.account} {debt.mailbox} UID {debt.uid}: {debt.reason}"
        )
    if len(overview.debts) > SHOWN_DEBTS:
        yield f"... and {count_text(len(overview.debts) - SHOWN_DEBTS, 'message')} more owed"


def _share(overview: Overview) -> str:
    octets = overview.status.octets
    return f" ({overview.stored_octets / octets:.0%})" if octets else ""


def _row(overview: Overview, account: AccountStatus) -> tuple[str, ...]:
    age = overview.age_seconds(account)
    return (
        account.account,
        time_text(account.last_run),
        time_text(account.last_success),
        "-" if age is None else duration_text(age),
        _next_run(overview, account),
        count_text(account.messages),
        size_text(account.octets),
        count_text(account.debts),
        _state(
            account,
            overview.pause(account),
            needs_login=account.account in overview.logins_needed,
        ),
    )


def _next_run(overview: Overview, account: AccountStatus) -> str:
    at = overview.next_runs.get(account.account)
    return "due now" if at is not None and at <= overview.now else time_text(at)


def _until(pause: Standing | None) -> datetime | None:
    return pause.until if pause else None


def _state(account: AccountStatus, pause: Standing | None, *, needs_login: bool) -> str:
    if needs_login:
        return "needs login"
    if pause is not None and pause.until is not None:
        return f"rests until {time_text(pause.until)}: {pause.reason}"
    if account.last_run is None:
        return "never synced"
    if account.last_error:
        return f"failed: {account.last_error}"
    return "suspicious" if account.suspicions else "ok"
