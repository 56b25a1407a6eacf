"""The shapes of what is known of an archive, for programs."""

from mailvault.archive.catalog.views import AccountStatus, JobView, SuspicionView
from mailvault.mail.json_values import JsonValue, json_time
from mailvault.monitoring.overview import Overview
from mailvault.monitoring.states import state_of


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
            "free_octets": overview.free_octets,
            "oldest_unverified": json_time(overview.coverage.oldest),
            "never_verified": overview.coverage.never,
            "jobs": [job_json(job) for job in overview.jobs],
        },
        "overdue": sorted(overview.overdue),
        "accounts": [account_json(overview, account) for account in overview.accounts],
    }


def account_json(overview: Overview, account: AccountStatus) -> dict[str, JsonValue]:
    pause, standing = overview.pause(account), overview.standings.get(account.account)
    suspected = [each for each in overview.suspicions if each.account == account.account]
    return {
        "account": account.account,
        "protocol": account.protocol,
        "state": str(state_of(overview, account)),
        "last_run": json_time(account.last_run),
        "last_success": json_time(account.last_success),
        "last_error": account.last_error,
        "age_seconds": overview.age_seconds(account),
        "messages": account.messages,
        "octets": account.octets,
        "debts": account.debts,
        "suspicions": account.suspicions,
        "suspected": [suspicion_json(each) for each in suspected],
        "needs_login": account.account in overview.logins_needed,
        "login_refusals": standing.refusals if standing else 0,
        "suspended": pause is not None,
        "suspended_until": json_time(pause.until if pause else None),
        "late": account.account in overview.late,
        "next_run": json_time(overview.next_runs.get(account.account)),
    }


def job_json(job: JobView) -> dict[str, JsonValue]:
    return {
        "kind": job.kind,
        "account": job.account,
        "started": json_time(job.started_at),
        "finished": json_time(job.finished_at),
        "exit_code": job.exit_code,
        "checked": job.checked,
        "octets": job.octets,
        "detail": job.detail,
    }


def suspicion_json(suspicion: SuspicionView) -> dict[str, JsonValue]:
    return {
        "run": suspicion.run,
        "at": json_time(suspicion.at),
        "mailbox": str(suspicion.mailbox) if suspicion.mailbox else None,
        "reason": suspicion.reason,
    }
