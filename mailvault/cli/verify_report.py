"""How the findings of ``verify`` are shown."""

from collections.abc import Iterator

from mailvault.cli.output import JsonValue
from mailvault.cli.render import count_text, size_text
from mailvault.cli.terminal import printable
from mailvault.operations.verify import VerifyFinding, VerifyReport


def verify_json(report: VerifyReport) -> dict[str, JsonValue]:
    return {
        "schema": 1,
        "checked": report.checked,
        "octets": report.octets,
        "findings": [finding_json(finding) for finding in report.findings],
    }


def finding_json(finding: VerifyFinding) -> dict[str, JsonValue]:
    return {
        "kind": finding.kind,
        "digest": str(finding.digest) if finding.digest else None,
        "account": finding.account,
        "mailbox": str(finding.mailbox) if finding.mailbox else None,
        "remote_id": finding.remote_id,
        "detail": finding.detail,
    }


def verify_lines(report: VerifyReport, *, is_quiet: bool) -> Iterator[str]:
    for finding in report.findings:
        yield finding_line(finding)
    read = f"{count_text(report.checked, 'message')} read ({size_text(report.octets)})"
    if report.findings:
        yield f"{read}, {count_text(len(report.findings), 'finding')}"
    elif not is_quiet:
        yield f"{read}, nothing is wrong"


def finding_line(finding: VerifyFinding) -> str:
    where = [finding.account, str(finding.mailbox or "") or None, finding.remote_id]
    place = " ".join(part for part in where if part)
    digest = f" {finding.digest}" if finding.digest else ""
    return printable(f"{finding.kind}{digest} {place}: {finding.detail}")
