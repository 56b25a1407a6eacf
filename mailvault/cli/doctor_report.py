"""How the report of ``doctor`` is shown."""

from collections.abc import Iterator, Mapping, Sequence

from mailvault.cli.colours import Colour
from mailvault.cli.output import JsonValue
from mailvault.cli.paper import Paper
from mailvault.cli.render import count_text, size_text
from mailvault.monitoring.doctor.finding import Gravity
from mailvault.monitoring.doctor.report import DoctorReport

COLOURS = {
    Gravity.ERROR: Colour.RED,
    Gravity.WARNING: Colour.YELLOW,
    Gravity.NOTE: Colour.NONE,
}

FORECAST = ("grows_octets_per_day", "lasts_days")
"""Facts of which it takes a few days to know anything."""


def doctor_json(report: DoctorReport) -> dict[str, JsonValue]:
    findings: list[JsonValue] = [
        {"severity": str(each.gravity), "part": part, "what": each.what, "hint": each.hint}
        for part, each in report.findings
    ]
    parts: dict[str, JsonValue] = {
        name: dict(part.facts) for name, part in report.parts.items()
    }
    return {"schema": 1, "exit_code": report.exit_code, "findings": findings, **parts}


def doctor_lines(report: DoctorReport, paper: Paper) -> Iterator[str]:
    wrong = [each for _, each in report.findings if each.gravity is not Gravity.NOTE]
    if wrong:
        worst = COLOURS[wrong[0].gravity]
        yield paper.paint(f"{count_text(len(wrong), 'thing')} to look at", worst)
    else:
        yield paper.paint("nothing is wrong that can be seen from here", Colour.GREEN)
    for part, each in report.findings:
        for line in paper.wrapped(f"{each.gravity} ({part}): {each.what}", ""):
            yield paper.paint(line, COLOURS[each.gravity])
        if each.hint:
            yield from paper.wrapped(f"-> {each.hint}", "   ")
    for name, found in report.parts.items():
        yield ""
        yield f"[{name}]"
        for key, value in found.facts.items():
            yield from _fact_lines(key, value, paper, "")


def _fact_lines(key: str, value: JsonValue, paper: Paper, indent: str) -> Iterator[str]:
    if isinstance(value, Sequence) and any(isinstance(each, Mapping) for each in value):
        for each in value:
            yield from _fact_lines(key, each, paper, indent)
    elif isinstance(value, Mapping) and "account" in value:
        yield f"{indent}{key}: {value['account']}"
        for inner, each in value.items():
            if inner != "account":
                yield from _fact_lines(inner, each, paper, indent + "  ")
    else:
        yield from paper.wrapped(f"{key}: {_value_text(key, value)}", indent)


def _value_text(key: str, value: JsonValue) -> str:
    match value:
        case None:
            return "unknown" if key in FORECAST else "-"
        case bool():
            return "yes" if value else "no"
        case int() if "octets" in key:
            return size_text(value)
        case Mapping():
            return ", ".join(f"{name} {_value_text('', each)}" for name, each in value.items())
        case str():
            return value
        case Sequence():
            return ", ".join(_value_text("", each) for each in value) or "none"
    return str(value)
