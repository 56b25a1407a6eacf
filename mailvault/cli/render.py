"""How things look to a person: sizes, times, tables. Local time lives here and nowhere else."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from mailvault.cli.terminal import padded, printable, shortened, width

KIBI = 1024
NOTHING_NEW = "nothing new"


def size_text(octets: int) -> str:
    """Octets in the unit a person would choose, such as ``1.4 MiB``."""
    if octets < KIBI:
        return f"{octets} B"
    size = float(octets)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        size /= KIBI
        if size < KIBI or unit == "TiB":
            break
    return f"{size:.1f} {unit}" if size < 100 else f"{size:.0f} {unit}"


def count_text(number: int, noun: str = "", plural: str = "") -> str:
    """A number with its noun: ``1 message``, ``12,600 messages``."""
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration_text(seconds: float) -> str:
    """Seconds as a person would say them: ``0.4 s``, ``3 min 20 s``, ``2 d 4 h``."""
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    rest = round(seconds)
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if rest >= length:
            parts.append(f"{rest // length} {unit}")
            rest %= length
    return " ".join(parts[:2]) or "0 s"


def time_text(instant: datetime | None) -> str:
    """An instant in local time, to the minute."""
    return "-" if instant is None else instant.astimezone().strftime("%Y-%m-%d %H:%M")


def changes_text(
    *, arrived: int, octets: int, flags_changed: int, expunged: int, unreadable: int
) -> str:
    """What a sync changed, in words; only what is not zero."""
    parts = {
        f"{arrived:,} new" + (f" ({size_text(octets)})" if octets else ""): arrived,
        count_text(flags_changed, "flag change"): flags_changed,
        f"{expunged:,} expunged": expunged,
        f"{unreadable:,} unreadable": unreadable,
    }
    return ", ".join(text for text, number in parts.items() if number) or NOTHING_NEW


def flags_text(flags: Iterable[str]) -> str:
    return " ".join(sorted(flags))


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()
) -> list[str]:
    """Lay out rows in columns; those in ``right`` are aligned to the right."""
    cells = [list(header), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(header))]
    to_right = set(right)
    return ["  ".join(_row(row, widths, to_right)).rstrip() for row in cells]


def columns(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Lay out one row in columns of fixed width, for tables too long to hold."""
    shown = (shortened(printable(cell), size) for cell, size in zip(cells, widths, strict=True))
    return "  ".join(
        padded(cell, size) for cell, size in zip(shown, widths, strict=True)
    ).rstrip()


def _row(row: Sequence[str], widths: Sequence[int], right: set[int]) -> Iterable[str]:
    for column, (cell, size) in enumerate(zip(row, widths, strict=True)):
        yield " " * (size - width(cell)) + cell if column in right else padded(cell, size)
