"""How the comparison of servers with the archive is shown."""

from collections.abc import Iterator

from mailvault.cli.logs import explain
from mailvault.cli.output import JsonValue
from mailvault.cli.render import count_text, size_text, table
from mailvault.cli.terminal import printable
from mailvault.cli.verify_report import finding_json, finding_line
from mailvault.operations.remote_report import RemoteAccount, RemoteMailbox, RemoteReport

SHOWN = 20
"""Findings of an account that are shown without -v."""


def remote_json(report: RemoteReport) -> dict[str, JsonValue]:
    findings = (each for account in report.accounts for each in account.findings)
    return {
        "schema": 1,
        "checked": report.checked,
        "octets": report.octets,
        "findings": [finding_json(finding) for finding in findings],
        "accounts": [_account_json(account) for account in report.accounts],
    }


def _account_json(account: RemoteAccount) -> dict[str, JsonValue]:
    return {
        "account": account.name,
        "complete": account.is_complete,
        "error": str(account.error) if account.error else None,
        "mailboxes": [_mailbox_json(mailbox) for mailbox in account.mailboxes],
    }


def _mailbox_json(numbers: RemoteMailbox) -> dict[str, JsonValue]:
    return {
        "mailbox": str(numbers.mailbox),
        "selected": numbers.is_selected,
        "on_server": numbers.on_server,
        "in_archive": numbers.in_archive,
        "matched": numbers.matched,
        "absent": numbers.absent,
        "gone": numbers.gone,
        "flags_differ": numbers.flags,
        "read": numbers.read,
        "octets": numbers.octets,
        "different": numbers.different,
        "error": str(numbers.error) if numbers.error else None,
    }


def remote_lines(report: RemoteReport, *, verbosity: int) -> Iterator[str]:
    for account in report.accounts:
        shown = account.findings if verbosity > 0 else account.findings[:SHOWN]
        for finding in shown:
            yield finding_line(finding)
        if len(account.findings) > len(shown):
            yield f"... and {len(account.findings) - len(shown)} more; -v shows them"
        if verbosity >= 0:
            yield from _table(account)
            yield _answer(account)


def _table(account: RemoteAccount) -> Iterator[str]:
    header = ("mailbox", "server", "archive", "not archived", "gone", "other flags", "read")
    rows = [
        (
            str(each.mailbox) if each.is_selected else f"({each.mailbox})",
            "-" if each.on_server is None else count_text(each.on_server),
            *map(count_text, (each.in_archive, each.absent, each.gone, each.flags, each.read)),
        )
        for each in account.mailboxes
    ]
    if rows:
        yield from table(header, rows, right=range(1, len(header)))


def _answer(account: RemoteAccount) -> str:
    boxes = account.mailboxes
    read = sum(box.read for box in boxes)
    proof = f", {count_text(read, 'message')} read ({size_text(_octets(account))})"
    name = f"{account.name}: "
    if account.error is not None:
        return printable(f"{name}not compared to the end{proof}")
    absent = sum(box.absent for box in boxes if box.is_selected)
    if account.is_complete:
        out = sum(not box.is_selected for box in boxes)
        left = f", but for {count_text(out, 'mailbox', 'mailboxes')} left out" if out else ""
        return printable(f"{name}everything on the server is in the archive{left}{proof}")
    what = f"{count_text(absent, 'message')} on the server not in the archive"
    return printable(f"{name}{what}, {count_text(len(account.findings), 'finding')}{proof}")


def _octets(account: RemoteAccount) -> int:
    return sum(box.octets for box in account.mailboxes)


def explain_remote(report: RemoteReport, log_format: str) -> None:
    """Say on standard error which accounts and mailboxes could not be compared."""
    for account in report.accounts:
        failed = [(f"{account.name}: {box.mailbox}", box.error) for box in account.mailboxes]
        for where, error in [(account.name, account.error), *failed]:
            if error is not None:
                explain(
                    f"{where}: {error}",
                    error.hint,
                    exit_code=account.exit_code,
                    log_format=log_format,
                )
