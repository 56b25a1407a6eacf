"""Overviews of archives in every state, made up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mailvault.archive.catalog.views import (
    AccountStatus,
    DebtView,
    JobView,
    Status,
    SuspicionView,
)
from mailvault.archive.proofs import Coverage
from mailvault.archive.standings import Standing
from mailvault.mail.model import MailboxName, RunNumber, Uid
from mailvault.monitoring.overview import Overview
from mailvault.operations.freshness import Freshness

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)


def before(**ago: float) -> datetime:
    return NOW - timedelta(**ago)


def build_account(name: str, **settings: object) -> AccountStatus:
    """An account that was synced five minutes ago, but for what ``settings`` say."""
    account = AccountStatus(
        name, "imap", before(minutes=5), before(minutes=5), None, 1200, 48_000_000, 0, 0
    )
    return replace(account, **settings)  # type: ignore[arg-type]  # its fields


def build_overview(*accounts: AccountStatus, **settings: object) -> Overview:
    overview = Overview(
        path="/srv/mail",
        store="sqlite",
        stored_octets=20_000_000,
        status=Status(3000, 3600, 96_000_000, accounts),
        accounts=accounts,
        debts=(),
        suspicions=(),
        now=NOW,
        next_runs={each.account: NOW + timedelta(minutes=10) for each in accounts},
        configured=frozenset(each.account for each in accounts),
        free_octets=500_000_000_000,
        coverage=Coverage(before(days=3), 0),
        jobs=(build_job("verify", detail="sample 10%"), build_job("copy")),
    )
    return replace(overview, **settings)  # type: ignore[arg-type]  # its fields


def build_job(kind: str, code: int = 0, detail: str = "") -> JobView:
    return JobView(kind, None, before(days=1, hours=1), before(days=1), code, 300, 9, detail)


def build_troubled() -> Overview:
    """An account in each state."""
    accounts = (
        build_account("fine"),
        build_account("gone", last_run=before(days=400), last_success=before(days=400)),
        build_account("holiday", last_error="a pause"),
        build_account("late", last_success=before(days=2), last_run=before(days=2)),
        build_account("lost", suspicions=1),
        build_account("new", last_run=None, last_success=None, messages=0, octets=0),
        build_account("overdue", last_success=before(days=5), last_run=before(days=5)),
        build_account("owing", debts=1),
        build_account("refused", last_success=before(days=9), last_error="no"),
        build_account("signed-out", last_success=before(hours=30)),
        build_account("work", last_error="imap.example.com: connection refused"),
    )
    until = NOW + timedelta(hours=2)
    inbox = MailboxName(("INBOX",))
    overview = build_overview(
        *accounts,
        debts=(DebtView("owing", inbox, 1, Uid(77), "too large", 3, before(days=2)),),
        suspicions=(
            SuspicionView("lost", inbox, RunNumber(7), before(days=1), "5000 messages gone"),
        ),
        logins_needed={"signed-out": "the token was revoked"},
        standings={
            "refused": Standing(3, until, "mail.example.org refused the login"),
            "holiday": Standing(0, until, "the day's octets are used up"),
        },
        late=frozenset({"late", "overdue"}),
        overdue={"overdue": Freshness("overdue", before(days=5), 3 * 86400)},
        jobs=(build_job("verify", 4, "full"), build_job("drill")),
    )
    return replace(overview, configured=overview.configured - {"gone"})
