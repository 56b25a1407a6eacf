"""Turns two points in time, as typed, into the runs between which something changed."""

from typing import TYPE_CHECKING

from mailvault.errors import UsageError
from mailvault.mail.model import RunNumber

if TYPE_CHECKING:
    from mailvault.archive.archive import Archive

BEFORE_ALL = RunNumber(0)


def chosen_span(archive: "Archive", first: str, last: str) -> tuple[RunNumber, RunNumber]:
    """Find the runs that two WHENs mean. A time before the first run is before everything.

    Raises:
        UsageError: one is no point in time, or the second lies before the first.
    """
    begins, ends = _chosen(archive, first), _chosen(archive, last)
    if ends < begins:
        raise UsageError(
            f"{last} is before {first}", hint=f"the earlier time comes first: {last} {first}"
        )
    return begins, ends


def _chosen(archive: "Archive", when: str) -> RunNumber:
    from mailvault.cli.choices import chosen_run
    from mailvault.operations.when import parse_when
    from mailvault.wiring import SystemClock

    moment = parse_when(when, SystemClock().now())
    if isinstance(moment, int):
        return chosen_run(archive, when) or BEFORE_ALL
    return archive.catalog.run_at(moment) or BEFORE_ALL
