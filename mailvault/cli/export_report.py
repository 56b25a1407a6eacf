"""How the report of an export is shown."""

from collections.abc import Iterator
from pathlib import Path

from mailvault.cli.logs import explain
from mailvault.cli.output import JsonValue
from mailvault.cli.render import count_text, size_text
from mailvault.cli.terminal import printable
from mailvault.operations.export import ExportReport


def export_json(report: ExportReport) -> dict[str, JsonValue]:
    return {
        "schema": 1,
        "mailboxes": [
            {
                "account": each.account,
                "mailbox": str(each.mailbox),
                "messages": each.messages,
                "octets": each.octets,
                "present": each.present,
            }
            for each in report.mailboxes
        ],
        "failures": [
            {
                "digest": str(each.digest) if each.digest else None,
                "account": each.account,
                "mailbox": str(each.mailbox),
                "reason": each.reason,
            }
            for each in report.failures
        ],
    }


def export_lines(report: ExportReport, destination: Path) -> Iterator[str]:
    messages = sum(each.messages for each in report.mailboxes)
    octets = sum(each.octets for each in report.mailboxes)
    present = sum(each.present for each in report.mailboxes)
    before = f", {count_text(present)} of them there before" if present else ""
    yield printable(
        f"{count_text(messages, 'message')} ({size_text(octets)}) in "
        f"{count_text(len(report.mailboxes), 'mailbox', 'mailboxes')} in {destination}{before}"
    )


def explain_export(report: ExportReport, log_format: str) -> None:
    """Say on standard error what is not at the destination."""
    if report.failures:
        explain(
            f"{count_text(len(report.failures), 'message')} could not be written",
            "each is named above, and in --json; everything else is there; mailvault verify "
            "says what is damaged",
            exit_code=report.exit_code,
            log_format=log_format,
        )
