"""How the jobs that ``run --due`` did, and the times of ``schedule``, are shown."""

from collections.abc import Iterator, Sequence

from mailvault.cli.logs import explain
from mailvault.cli.output import JsonValue, json_time
from mailvault.cli.render import table, time_text
from mailvault.cli.terminal import printable
from mailvault.monitoring.coming import Coming
from mailvault.operations.ended import RunEnded


def due_json(ended: Sequence[RunEnded]) -> dict[str, JsonValue]:
    return {
        "schema": 1,
        "jobs": [
            {
                "job": each.job.name,
                "kind": str(each.job.kind),
                "account": each.job.account,
                "began_at": json_time(each.began_at),
                "ended_at": json_time(each.at),
                "exit_code": each.exit_code,
                "detail": each.detail,
            }
            for each in ended
        ],
    }


def due_lines(ended: Sequence[RunEnded]) -> Iterator[str]:
    for each in ended:
        yield printable(f"{each.job.name}: {each.detail}")


def explain_due(ended: Sequence[RunEnded], log_format: str) -> None:
    """Say on standard error what did not end well."""
    for each in ended:
        if each.exit_code:
            hint = each.error.hint if each.error else "mailvault status says more"
            what = f"{each.job.name}: {each.detail}"
            explain(what, hint, exit_code=each.exit_code, log_format=log_format)


def due_exit_code(ended: Sequence[RunEnded]) -> int:
    return max((each.exit_code for each in ended), default=0)


def schedule_json(coming: Sequence[Coming], zone: str) -> dict[str, JsonValue]:
    return {
        "schema": 1,
        "zone": zone,
        "jobs": [
            {
                "job": each.job.name,
                "kind": str(each.job.kind),
                "account": each.job.account,
                "schedule": each.job.written,
                "last": json_time(each.last),
                "due": each.is_due,
                "next": [json_time(at) for at in each.next],
            }
            for each in coming
        ],
    }


def schedule_lines(coming: Sequence[Coming]) -> Iterator[str]:
    rows = [
        (
            each.job.name,
            each.job.written,
            time_text(each.last),
            *(
                "due now" if each.is_due and at == each.next[0] else time_text(at)
                for at in each.next
            ),
        )
        for each in coming
    ]
    if not rows:
        yield "nothing is scheduled; add [schedule] to the configuration: docs/unattended.md"
        return
    header = ("job", "schedule", "last", "next", *("then" for _ in rows[0][4:]))
    yield from table(header, rows)
