"""What was measured, as a table for people and as JSON for programs."""

from dataclasses import asdict, dataclass, field
from statistics import median

MEGA = 1_000_000


@dataclass(slots=True)
class Row:
    """One thing that was measured, in every repetition."""

    name: str
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    peak_octets: list[int] = field(default_factory=list)
    stored_octets: int | None = None


@dataclass(slots=True)
class Report:
    """All rows of a run, and the ratios between them."""

    machine: dict[str, str]
    messages: int
    octets: int
    rows: list[Row] = field(default_factory=list)
    ratios: dict[str, list[float]] = field(default_factory=dict)

    def row(self, name: str) -> Row:
        """The row of that name, made at its first mention."""
        for row in self.rows:
            if row.name == name:
                return row
        self.rows.append(Row(name))
        return self.rows[-1]

    def as_json(self) -> dict[str, object]:
        return {"schema": 1, **asdict(self)}

    def lines(self) -> list[str]:
        """The report for a person: medians, and the spread where there is one."""
        about = ", ".join(f"{name} {value}" for name, value in self.machine.items())
        lines = [about, f"{self.messages:,} messages, {self.octets / MEGA:,.1f} MB", ""]
        lines.append(f"{'':42}{'seconds':>18}{'cpu':>9}{'peak':>10}{'stored':>9}")
        lines += [self._line(row) for row in self.rows]
        lines += ["", f"{'ratios (median; lowest to highest)':42}"]
        for name, values in self.ratios.items():
            spread = f"({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
            lines.append(f"{name:42}{median(values):9.2f} {spread}")
        return lines

    def _line(self, row: Row) -> str:
        seconds = f"{median(row.seconds):.2f}" if row.seconds else ""
        if len(row.seconds) > 1:
            seconds += f" ({min(row.seconds):.2f}-{max(row.seconds):.2f})"
        cpu = f"{median(row.cpu_seconds):.2f}" if row.cpu_seconds else ""
        peak = f"{max(row.peak_octets) / MEGA:.0f} MB" if row.peak_octets else ""
        stored = f"{row.stored_octets / self.octets:.3f}" if row.stored_octets else ""
        return f"{row.name:42}{seconds:>18}{cpu:>9}{peak:>10}{stored:>9}"
