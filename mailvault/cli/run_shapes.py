"""The shapes that ``log`` prints, for programs and for people."""

from collections.abc import Iterator

from mailvault.archive.catalog.views import RunAccountView, RunMailboxView, RunView
from mailvault.cli.exit_codes import EXIT_CODES
from mailvault.cli.output import JsonValue, json_time
from mailvault.cli.render import changes_text, duration_text, time_text
from mailvault.cli.terminal import printable


def run_json(run: RunView) -> dict[str, JsonValue]:
    return {
        "run": run.run,
        "started": json_time(run.started_at),
        "finished": json_time(run.finished_at),
        "seconds": _seconds(run),
        "exit_code": run.exit_code,
        "accounts": [_account_json(account) for account in run.accounts],
    }


def _account_json(account: RunAccountView) -> dict[str, JsonValue]:
    return {
        "account": account.account,
        "ok": account.finished_at is not None and account.error is None,
        "error": account.error,
        "finished": json_time(account.finished_at),
        "mailboxes": [_mailbox_json(mailbox) for mailbox in account.mailboxes],
    }


def _mailbox_json(mailbox: RunMailboxView) -> dict[str, JsonValue]:
    return {
        "mailbox": str(mailbox.mailbox),
        "arrived": mailbox.arrived,
        "flags_changed": mailbox.flags_changed,
        "expunged": mailbox.expunged,
        "unreadable": mailbox.unreadable,
        "octets": mailbox.octets,
        "seconds": mailbox.seconds,
        "error": mailbox.error,
    }


def run_lines(run: RunView) -> Iterator[str]:
    seconds = _seconds(run)
    took = "" if seconds is None else f"  {duration_text(seconds)}"
    yield f"run {run.run}  {time_text(run.started_at)}{took}  {_ending(run)}"
    for account in run.accounts:
        error = f"; {account.error}" if account.error else ""
        yield printable(f"  {account.account}: {_changes(account)}{error}")


def _ending(run: RunView) -> str:
    if run.exit_code is None:
        return "interrupted, or still under way"
    return EXIT_CODES.get(run.exit_code, f"exit code {run.exit_code}")


def _changes(account: RunAccountView) -> str:
    boxes = account.mailboxes
    return changes_text(
        arrived=sum(box.arrived for box in boxes),
        octets=sum(box.octets for box in boxes),
        flags_changed=sum(box.flags_changed for box in boxes),
        expunged=sum(box.expunged for box in boxes),
        unreadable=sum(box.unreadable for box in boxes),
    )


def _seconds(run: RunView) -> float | None:
    if run.finished_at is None:
        return None
    return round(max(0.0, (run.finished_at - run.started_at).total_seconds()), 3)
