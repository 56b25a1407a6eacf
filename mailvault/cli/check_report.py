"""How the findings of ``check`` are shown."""

from collections.abc import Iterator

from mailvault.cli.logs import explain
from mailvault.cli.output import JsonValue
from mailvault.cli.render import count_text, table
from mailvault.cli.terminal import printable
from mailvault.config.model import AccountSettings
from mailvault.operations.check import CheckReport


def check_json(report: CheckReport, account: AccountSettings) -> dict[str, JsonValue]:
    return {
        "schema": 1,
        "account": report.account,
        "ok": report.exit_code == 0,
        "error": str(report.error) if report.error else None,
        "hint": report.error.hint if report.error else None,
        "host": account.host,
        "port": account.port,
        "tls": account.tls,
        "server": report.server or None,
        "capabilities": sorted(report.capabilities),
        "features": dict(report.features),
        "mailboxes": [
            {
                "mailbox": str(each.name),
                "messages": each.messages,
                "special_use": each.special_use,
                "selected": each.is_selected,
            }
            for each in report.mailboxes
        ],
        "unmatched_globs": list(report.unmatched_globs),
        "mistakes": list(report.mistakes),
    }


def check_lines(report: CheckReport, account: AccountSettings) -> Iterator[str]:
    yield (
        f"{report.account}: {account.user} at {account.host}:{account.port}, tls {account.tls}"
    )
    if report.error is not None:
        return
    selected = [each for each in report.mailboxes if each.is_selected]
    messages = sum(each.messages or 0 for each in selected)
    yield "  logged in" + (
        f"; the server says: {printable(report.server)}" * bool(report.server)
    )
    yield (
        f"  {count_text(len(report.mailboxes), 'mailbox', 'mailboxes')}, "
        f"{len(selected)} selected with {count_text(messages, 'message')}"
    )
    for pattern in report.unmatched_globs:
        yield f'  "{printable(pattern)}" matches no mailbox'
    for line in table(
        ("the server can", "", "so that"),
        [
            (name, "yes" if has else "no", report.known_features[name])
            for name, has in report.features.items()
        ],
    ):
        yield f"  {line}"


def explain_check(report: CheckReport, log_format: str) -> None:
    """Say on standard error what is wrong."""
    if report.error is not None:
        explain(
            f"{report.account}: {report.error}",
            report.error.hint,
            exit_code=report.exit_code,
            log_format=log_format,
        )
    for mistake in report.mistakes:
        explain(mistake, None, exit_code=report.exit_code, log_format=log_format)
