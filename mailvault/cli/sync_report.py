"""How the report of a sync is shown."""

import shlex
from collections.abc import Iterator, Sequence

from mailvault.cli.logs import explain
from mailvault.cli.output import JsonValue
from mailvault.cli.render import NOTHING_NEW, changes_text, count_text, duration_text
from mailvault.cli.terminal import printable
from mailvault.errors import UsageError
from mailvault.mail.globs import MailboxGlobs
from mailvault.operations.reports import AccountReport, MailboxReport, SyncReport


def sync_json(report: SyncReport) -> dict[str, JsonValue]:
    return {
        "schema": 1,
        "run": report.run,
        "accounts": [_account_json(account) for account in report.accounts],
    }


def _account_json(account: AccountReport) -> dict[str, JsonValue]:
    return {
        "account": account.name,
        "ok": account.ok,
        "error": str(account.error) if account.error else None,
        "suspicion": account.suspicion,
        "unaccepted": account.unaccepted,
        "debts": account.debts,
        "mailboxes": [_mailbox_json(mailbox) for mailbox in account.mailboxes],
        "deleted_on_server": account.deleted_on_server,
    }


def _mailbox_json(report: MailboxReport) -> dict[str, JsonValue]:
    return {
        "mailbox": str(report.mailbox),
        "arrived": report.arrived,
        "flags_changed": report.flags_changed,
        "expunged": report.expunged,
        "unreadable": report.unreadable,
        "octets": report.octets,
        "seconds": round(report.seconds, 3),
        "error": str(report.error) if report.error else None,
        "suspicion": report.suspicion,
    }


def sync_lines(report: SyncReport, *, verbosity: int) -> Iterator[str]:
    """One line for each mailbox in which something happened, and a summary."""
    if verbosity < 0:
        return
    for account in report.accounts:
        for mailbox in account.mailboxes:
            counts = _counts([mailbox])
            if counts != NOTHING_NEW or verbosity > 0:
                took = f" in {duration_text(mailbox.seconds)}" if mailbox.seconds >= 0.1 else ""
                name = printable(str(mailbox.mailbox))
                yield f"{account.name}  {name}: {counts}{took}"
        yield _summary(account, is_preview=report.run is None)


def _summary(account: AccountReport, *, is_preview: bool) -> str:
    if not account.ok and not account.mailboxes:
        return f"{account.name}: not synced"
    counts = _counts(account.mailboxes)
    where = count_text(len(account.mailboxes), "mailbox", "mailboxes")
    ended = "" if account.ok else ", not complete"
    preview = " to fetch" if is_preview else ""
    gone = account.deleted_on_server
    deleted = f", {count_text(gone, 'message')} deleted on the server" if gone else ""
    return f"{account.name}: {counts}{preview} in {where}{deleted}{ended}"


def _counts(reports: Sequence[MailboxReport]) -> str:
    return changes_text(
        arrived=sum(report.arrived for report in reports),
        octets=sum(report.octets for report in reports),
        flags_changed=sum(report.flags_changed for report in reports),
        expunged=sum(report.expunged for report in reports),
        unreadable=sum(report.unreadable for report in reports),
    )


def sync_exit_code(report: SyncReport, only: MailboxGlobs | None) -> int:
    """Globs that select nothing are a mistake, although nothing went wrong."""
    mistakes = _mistakes(report, only)
    return max(report.exit_code, UsageError.exit_code if mistakes else 0)


def _mistakes(report: SyncReport, only: MailboxGlobs | None) -> list[str]:
    """Say which globs select no mailbox. ``only`` may well select none in some accounts."""
    empty = [
        account.name
        for account in report.accounts
        if account.ok and not account.suspicion and not account.mailboxes
    ]
    if only is None:
        return [f"accounts.{name}.mailboxes: no mailbox is selected" for name in empty]
    if len(empty) == len(report.accounts):
        return [f"no mailbox matches {' '.join(only.patterns)}"]
    return []


def explain_sync(report: SyncReport, only: MailboxGlobs | None, log_format: str) -> None:
    """Say on standard error what went wrong, what is owed and what is suspicious."""
    for account in report.accounts:
        for what, hint in _troubles(account):
            explain(what, hint, exit_code=account.exit_code, log_format=log_format)
    for mistake in _mistakes(report, only):
        explain(
            mistake,
            "mailvault mailboxes --remote lists what the server has",
            exit_code=UsageError.exit_code,
            log_format=log_format,
        )


def _troubles(account: AccountReport) -> Iterator[tuple[str, str | None]]:
    if account.error is not None:
        yield f"{account.name}: {account.error}", account.error.hint
    if account.suspicion:
        yield f"{account.name}: suspicious: {account.suspicion}", _guard_hint(account)
    for mailbox in account.mailboxes:
        where = f"{account.name}: {mailbox.mailbox}"
        if mailbox.error is not None:
            yield f"{where}: {mailbox.error}", mailbox.error.hint
        if mailbox.suspicion:
            yield f"{where}: suspicious: {mailbox.suspicion}", _guard_hint(account)
        if mailbox.deletion_refusal:
            yield f"{where}: {mailbox.deletion_refusal}", _KEEP_HINT
    if account.unaccepted:
        number = count_text(account.unaccepted, "suspicion")
        yield f"{account.name}: {number} of earlier runs not accepted", _guard_hint(account)
    if account.debts:
        owed = count_text(account.debts, "message")
        yield f"{account.name}: the server would not give {owed}", "the next sync asks again"


_KEEP_HINT = "everything stays on the server; leave_on_server = true ends this message"


def _guard_hint(account: AccountReport) -> str:
    accept = f"mailvault accept {shlex.quote(account.name)}"
    return (
        f"nothing is lost, the archive still has it; if it was meant, say so: {accept}; "
        "if not, mailvault status says how to get it back"
    )
