"""How ``status`` is shown: what is wrong first, then every account, then the archive."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailvault.cli.colours import Colour
from mailvault.cli.exit_codes import EXIT_CODES
from mailvault.cli.job_shapes import job_lines
from mailvault.cli.paper import Paper
from mailvault.cli.render import count_text, duration_text, size_text, time_text
from mailvault.cli.terminal import padded, printable, shortened, width
from mailvault.monitoring.overview import Overview
from mailvault.monitoring.states import (
    Judged,
    Severity,
    State,
    attention,
    is_job_well,
    judge_all,
)

DAMAGE = 4
SHOWN_DEBTS = 20
SHOWN_NAMES = 3
LEAST_NAME = 8
GAP = 2

MARKS = {Severity.FINE: " ", Severity.WARNING: "!", Severity.ERROR: "!"}
COLOURS = {
    Severity.FINE: Colour.DIM,
    Severity.WARNING: Colour.YELLOW,
    Severity.ERROR: Colour.RED,
}


@dataclass(frozen=True, slots=True)
class Column:
    """``rank`` says which columns a narrow terminal does without first: the highest."""

    title: str
    cells: tuple[str, ...]
    rank: int
    is_number: bool = False

    @property
    def width(self) -> int:
        return max(width(cell) for cell in (self.title, *self.cells))


def status_lines(overview: Overview, paper: Paper) -> Iterator[str]:
    judged = judge_all(overview, time_text)
    yield from _summary(judged, paper)
    yield from _job_summary(overview, paper)
    if judged:
        yield ""
        yield from _account_table(overview, judged, paper)
    yield from _complaints(judged, paper)
    yield from _debt_lines(overview, paper)
    yield ""
    yield from _archive_lines(overview, paper)


def _summary(judged: Sequence[Judged], paper: Paper) -> Iterator[str]:
    wrong = attention(list(judged))
    if not judged:
        yield "no account yet; add one as config.example.toml shows"
        return
    total = count_text(len(judged), "account")
    if not wrong:
        whole = "the account is well" if len(judged) == 1 else f"all {total} are well"
        yield paper.paint(whole, Colour.GREEN)
        return
    names = [each.status.account for each in wrong]
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    verb = "needs" if len(wrong) == 1 else "need"
    text = f"{len(wrong)} of {total} {verb} attention: {', '.join(names[:SHOWN_NAMES])}{more}"
    worst = max(each.severity for each in wrong)
    for line in paper.wrapped(text, ""):
        yield paper.paint(line, COLOURS[worst])


def _job_summary(overview: Overview, paper: Paper) -> Iterator[str]:
    for job in overview.jobs:
        if not is_job_well(job):
            ended = EXIT_CODES.get(job.exit_code, f"exit code {job.exit_code}")
            repair = "; mailvault repair shows its plan" if job.exit_code == DAMAGE else ""
            for line in paper.wrapped(f"the last {job.kind}: {ended}{repair}", ""):
                yield paper.paint(line, Colour.RED)


def _account_table(overview: Overview, judged: Sequence[Judged], paper: Paper) -> Iterator[str]:
    names = tuple(printable(each.status.account) for each in judged)
    columns = [
        Column("state", tuple(f"{MARKS[each.severity]} {each.state}" for each in judged), 0),
        Column("account", names, 0),
        Column("last success", tuple(_age(overview, each) for each in judged), 1),
        Column("next", tuple(_next(overview, each) for each in judged), 3),
        _numbers("messages", [count_text(each.status.messages) for each in judged], 4),
        _numbers("size", [size_text(each.status.octets) for each in judged], 5),
        _numbers("owed", [count_text(each.status.debts) for each in judged], 2),
    ]
    columns[0] = Column("  state", columns[0].cells, 0)
    columns, name_width = _fitted(columns, paper.columns)
    for number in range(-1, len(judged)):
        cells = [_cell(column, number, name_width) for column in columns]
        if number < 0:
            yield paper.paint("  ".join(cells).rstrip(), Colour.DIM)
            continue
        cells[0] = paper.paint(cells[0], _colour(judged[number]))
        yield "  ".join(cells).rstrip()


def _colour(judged: Judged) -> Colour:
    return Colour.GREEN if judged.state is State.OK else COLOURS[judged.severity]


def _numbers(title: str, cells: list[str], rank: int) -> Column:
    return Column(title, tuple(cells), rank, is_number=True)


def _fitted(columns: list[Column], room: int) -> tuple[list[Column], int]:
    """The columns that fit, and how wide the names of accounts may be."""
    while True:
        names = next(column for column in columns if column.title == "account")
        others = sum(column.width for column in columns if column is not names)
        left = room - others - GAP * (len(columns) - 1)
        last = max(columns, key=lambda column: column.rank)
        if left >= min(names.width, LEAST_NAME * 2) or last.rank == 0:
            return columns, max(min(names.width, left), LEAST_NAME)
        columns = [column for column in columns if column is not last]


def _cell(column: Column, number: int, name_width: int) -> str:
    text = column.title if number < 0 else column.cells[number]
    if column.title == "account":
        return padded(shortened(text, name_width), name_width)
    space = " " * (column.width - width(text))
    return space + text if column.is_number else text + space


def _age(overview: Overview, judged: Judged) -> str:
    age = overview.age_seconds(judged.status)
    return "never" if age is None else f"{duration_text(age)} ago"


def _next(overview: Overview, judged: Judged) -> str:
    at = overview.next_runs.get(judged.status.account)
    if at is None:
        return "-"
    return "due now" if at <= overview.now else f"in {_span(at, overview.now)}"


def _span(later: datetime, earlier: datetime) -> str:
    return duration_text(round((later - earlier).total_seconds()))


def _complaints(judged: Sequence[Judged], paper: Paper) -> Iterator[str]:
    for each in judged:
        for number, complaint in enumerate(each.complaints):
            if not number:
                yield ""
            lines = paper.wrapped(f"{each.status.account}: {complaint.what}", "")
            yield from (paper.paint(line, COLOURS[each.severity]) for line in lines)
            if complaint.hint:
                yield from paper.wrapped(f"-> {complaint.hint}", "   ")


def _debt_lines(overview: Overview, paper: Paper) -> Iterator[str]:
    if overview.debts:
        yield ""
    for debt in overview.debts[:SHOWN_DEBTS]:
        since = time_text(debt.owed_since)
        yield from paper.wrapped(
            f"owed since {since}: {debt.account} {debt.mailbox} UID {debt.uid}: {debt.reason}",
            "",
        )
    if len(overview.debts) > SHOWN_DEBTS:
        yield f"... and {count_text(len(overview.debts) - SHOWN_DEBTS, 'message')} more owed"


def _archive_lines(overview: Overview, paper: Paper) -> Iterator[str]:
    status = overview.status
    yield from paper.wrapped(f"archive  {overview.path} ({overview.store})", "")
    free = "" if overview.free_octets is None else f", {size_text(overview.free_octets)} free"
    yield from paper.wrapped(
        f"{count_text(status.messages, 'message')} in "
        f"{count_text(status.placements, 'place')}, {size_text(status.octets)}, "
        f"stored in {size_text(overview.stored_octets)}{_share(overview)}{free}",
        "         ",
    )
    for line, is_well in job_lines(overview):
        for each in paper.wrapped(line, ""):
            yield each if is_well else paper.paint(each, Colour.RED)


def _share(overview: Overview) -> str:
    octets = overview.status.octets
    return f" ({overview.stored_octets / octets:.0%})" if octets else ""
