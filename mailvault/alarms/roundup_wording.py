"""A digest as the channels carry it: one line, a text for people, JSON for programs."""

from collections.abc import Iterator
from datetime import UTC, datetime

from mailvault.mail.json_values import JsonValue, json_time
from mailvault.operations.roundup import AccountRoundup, Roundup

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_KIBI = 1024


def summary(roundup: Roundup) -> str:
    """Whether anything needs attention."""
    found = roundup.attention()
    if not found:
        return "all is well"
    return f"{len(found)} {'thing needs' if len(found) == 1 else 'things need'} attention"


def lines(roundup: Roundup) -> Iterator[str]:
    yield summary(roundup)
    yield from (f"- {each}" for each in roundup.attention())
    yield ""
    yield f"from {_minute(roundup.since)} to {_minute(roundup.until)}"
    for account in roundup.accounts:
        yield ""
        yield from _of_account(account)
    if roundup.error is None:
        yield ""
        for job in roundup.jobs:
            ending = "well" if job.exit_code == 0 else f"exit code {job.exit_code}"
            yield f"last {job.name}: {ending}, {_minute(job.ended_at)}"
        yield f"stored: {_size(roundup.stored_octets or 0)}"


def _of_account(account: AccountRoundup) -> Iterator[str]:
    yield f"{account.account}:"
    yield f"  runs          {account.runs_well} well, {account.runs_failed} failed"
    yield f"  new messages  {account.messages} ({_size(account.octets)})"
    last = "never" if account.last_success is None else _minute(account.last_success)
    yield f"  last success  {last}{', overdue' if account.is_overdue else ''}"
    if account.debts:
        yield f"  owed          {account.debts}"
    if account.suspicions:
        yield f"  suspicious    {account.suspicions}"
    if account.needs_login:
        yield "  needs login"


def roundup_json(roundup: Roundup) -> dict[str, JsonValue]:
    """docs/alarms.md describes the fields."""
    return {
        "since": json_time(roundup.since),
        "until": json_time(roundup.until),
        "attention": roundup.attention(),
        "error": roundup.error,
        "stored_octets": roundup.stored_octets,
        "accounts": [
            {
                "account": each.account,
                "runs_well": each.runs_well,
                "runs_failed": each.runs_failed,
                "messages": each.messages,
                "octets": each.octets,
                "debts": each.debts,
                "suspicions": each.suspicions,
                "needs_login": each.needs_login,
                "failing": each.is_failing,
                "overdue": each.is_overdue,
                "last_success": json_time(each.last_success),
            }
            for each in roundup.accounts
        ],
        "jobs": [
            {
                "job": each.job,
                "account": each.account,
                "finished": json_time(each.ended_at),
                "exit_code": each.exit_code,
            }
            for each in roundup.jobs
        ],
    }


def _minute(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _size(octets: int) -> str:
    size, units = float(octets), iter(_UNITS)
    unit = next(units)
    while size >= _KIBI and unit != _UNITS[-1]:
        size, unit = size / _KIBI, next(units)
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
