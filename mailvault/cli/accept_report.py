"""How suspicions, and what accepting them means, are shown."""

from collections.abc import Iterator

from mailvault.cli.output import JsonValue
from mailvault.cli.render import count_text, size_text, time_text
from mailvault.cli.terminal import printable
from mailvault.monitoring.shapes import suspicion_json
from mailvault.monitoring.states import way_back
from mailvault.operations.accept import AcceptReport, Suspicions


def accept_json(report: AcceptReport) -> dict[str, JsonValue]:
    shown = report.shown
    return {
        "schema": 1,
        "account": shown.account,
        "accepted": report.is_accepted,
        "suspicions": [suspicion_json(each) for each in shown.suspicions],
        "gone": {"messages": shown.gone, "octets": shown.octets},
    }


def suspicion_lines(shown: Suspicions) -> Iterator[str]:
    if not shown.suspicions:
        yield printable(f"{shown.account}: nothing is suspicious")
        return
    for each in shown.suspicions:
        where = f" {each.mailbox}" if each.mailbox else ""
        yield printable(
            f"run {each.run}  {time_text(each.at)}  {shown.account}{where}: {each.reason}"
        )
    gone = count_text(shown.gone, "message")
    yield (
        f"since then the server has lost {gone} ({size_text(shown.octets)}); "
        "the archive has all of them"
    )
    yield "accepting means that they went on purpose: prune may forget them by its policy,"
    yield "and sync may delete on the server again where it was told to"
    back = way_back(shown.account, min(each.run for each in shown.suspicions))
    yield f"if it was not meant, what was there comes back with: {printable(back)}"


def accepted_line(report: AcceptReport) -> str:
    number = count_text(len(report.shown.suspicions), "suspicion")
    return printable(f"{report.shown.account}: accepted {number}")
