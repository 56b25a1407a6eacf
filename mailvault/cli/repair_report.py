"""How the plan and the result of ``repair`` are shown."""

from collections.abc import Iterable, Iterator

from mailvault.cli.output import JsonValue, json_time
from mailvault.cli.render import count_text, time_text
from mailvault.cli.terminal import printable
from mailvault.operations.repair import Lost, RepairPlan, RepairReport

SHOWN = 50


def repair_json(plan: RepairPlan, report: RepairReport | None) -> dict[str, JsonValue]:
    return {
        "schema": 1,
        "repaired": report is not None,
        "plan": [
            {"part": step.part, "fault": step.fault, "remedy": step.remedy}
            for step in plan.steps
        ],
        "damaged": None if plan.damaged is None else [_place(each) for each in plan.damaged],
        "done": list(report.done) if report else [],
        "healed": [_place(each) for each in report.healed] if report else [],
        "lost": [_place(each) for each in report.lost] if report else [],
        "unreachable": dict(report.unreachable) if report else {},
        "orphans": report.orphans if report else plan.orphans,
        "dropped": report.dropped if report else 0,
    }


def _place(lost: Lost) -> dict[str, JsonValue]:
    return {
        "digest": str(lost.digest),
        "account": lost.account,
        "mailbox": str(lost.mailbox),
        "remote_id": lost.remote_id,
        "subject": lost.subject,
        "date": json_time(lost.date),
        "size": lost.size,
    }


def plan_lines(plan: RepairPlan, *, drop_orphans: bool) -> Iterator[str]:
    for step in plan.steps:
        yield printable(f"{step.part}: {step.fault}")
        yield printable(f"  -> {step.remedy}")
    if plan.damaged is None:
        yield "the messages are looked at when this is done"
    elif plan.damaged:
        yield f"{_messages(plan.damaged)} damaged or missing; to be fetched again:"
        yield from _lines(plan.damaged)
    elif not plan.steps:
        yield "nothing is damaged"
    if plan.orphans:
        fate = "to be forgotten" if drop_orphans else "kept; --drop-orphans forgets them"
        yield f"{count_text(plan.orphans, 'stored message')} listed nowhere: {fate}"


def report_lines(report: RepairReport) -> Iterator[str]:
    for done in report.done:
        yield printable(done)
    for account, reason in report.unreachable.items():
        yield printable(f"{account} could not be asked: {reason}")
    if report.healed:
        yield f"{_messages(report.healed)} healed"
    if report.lost:
        yield f"{_messages(report.lost)} lost; everything else is whole:"
        yield from _lines(report.lost)
    if report.dropped:
        yield f"{count_text(report.dropped, 'stored message')} listed nowhere forgotten"
    if not report.lost:
        yield "the archive is whole"


def _messages(places: Iterable[Lost]) -> str:
    return count_text(len({each.digest for each in places}), "message")


def _lines(places: tuple[Lost, ...]) -> Iterator[str]:
    for each in places[:SHOWN]:
        where = f"{each.account} {each.mailbox} {each.remote_id}"
        yield printable(f"  {where}  {time_text(each.date)}  {each.subject or '-'}")
    if len(places) > SHOWN:
        yield f"  ... and {count_text(len(places) - SHOWN, 'place')} more; --json lists all"
