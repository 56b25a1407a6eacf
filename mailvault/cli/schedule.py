"""The command ``schedule``."""

import typer

from mailvault.cli.invocation import configuration
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json

SHOWN = 5


def schedule(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show the next five times of every job of the schedules."""
    from mailvault import wiring
    from mailvault.cli.due_report import schedule_json, schedule_lines
    from mailvault.monitoring.coming import read_coming
    from mailvault.schedule.due import Almanac

    settings, zone = configuration(context), wiring.local_zone()
    now = wiring.SystemClock().now()
    with wiring.open_archive(settings, writing=False) as archive:
        coming = read_coming(archive, settings, Almanac(zone, archive.id), now, SHOWN)
    if as_json:
        emit_json(schedule_json(coming, str(zone)))
        return
    for line in schedule_lines(coming):
        emit(line)
