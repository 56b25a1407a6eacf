"""How the plan and the result of ``prune`` are shown."""

from collections.abc import Iterator

from mailvault.cli.output import JsonValue
from mailvault.cli.render import count_text, size_text, table
from mailvault.cli.terminal import printable
from mailvault.operations.prune import PrunePlan, PruneReport


def prune_json(plan: PrunePlan, report: PruneReport | None) -> dict[str, JsonValue]:
    return {
        "schema": 1,
        "pruned": report is not None,
        "messages": len(plan.digests) if report is None else report.messages,
        "octets": plan.octets,
        "mailboxes": [
            {
                "account": each.account,
                "mailbox": str(each.mailbox),
                "messages": each.messages,
                "octets": each.octets,
            }
            for each in plan.mailboxes
        ],
        "stored_octets": plan.waste.octets,
        "freed_octets": plan.waste.reclaimable if report is None else report.freed,
        "frozen": list(plan.frozen),
    }


def plan_lines(plan: PrunePlan) -> Iterator[str]:
    for account in plan.frozen:
        yield printable(
            f"{account} keeps everything: something looked wrong there; "
            f"see mailvault status, then mailvault accept {account}"
        )
    if plan.is_empty:
        yield "nothing to forget"
        return
    rows = [
        (each.account, str(each.mailbox), count_text(each.messages), size_text(each.octets))
        for each in plan.mailboxes
    ]
    if rows:
        yield from table(("account", "last in", "messages", "size"), rows, right=(2, 3))
    waste = plan.waste
    yield (
        f"{count_text(len(plan.digests), 'message')} to forget; "
        f"{size_text(waste.reclaimable)} of disk to get back"
    )
    if waste.octets > waste.reclaimable:
        rest = size_text(waste.octets - waste.reclaimable)
        yield f"{rest} more stay on disk until a third of the volume they lie in is dead"


def report_line(report: PruneReport) -> str:
    return (
        f"forgot {count_text(report.messages, 'message')}, "
        f"got {size_text(report.freed)} of disk back"
    )
