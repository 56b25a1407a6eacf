"""How the result of ``drill`` is shown."""

from collections.abc import Iterator

from mailvault.cli.output import JsonValue
from mailvault.cli.render import count_text, size_text
from mailvault.cli.terminal import printable
from mailvault.operations.drill import DrillReport


def drill_json(report: DrillReport) -> dict[str, JsonValue]:
    return {
        "schema": 1,
        "restored": report.restored,
        "octets": report.octets,
        "messages": report.messages,
        "failures": [
            {
                "digest": str(each.digest),
                "account": each.account,
                "mailbox": str(each.mailbox),
                "remote_id": each.remote_id,
                "reason": each.reason,
            }
            for each in report.failures
        ],
    }


def drill_lines(report: DrillReport, *, is_quiet: bool) -> Iterator[str]:
    for each in report.failures:
        where = f"{each.account} {each.mailbox} {each.remote_id}"
        yield printable(f"{each.digest} {where}: {each.reason}")
    done = (
        f"{count_text(report.restored, 'message')} of {count_text(report.messages)} restored "
        f"({size_text(report.octets)})"
    )
    if report.failures:
        yield f"{done}, {count_text(len(report.failures), 'failure')}"
    elif not is_quiet:
        yield f"{done}, and all are as they were archived"
