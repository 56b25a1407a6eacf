"""The command ``status``."""

import typer

from mailvault.cli.invocation import configuration
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json


def status(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show how fresh the archive is, and what is owed."""
    from mailvault import logins, wiring
    from mailvault.cli.due_report import next_runs, read_coming
    from mailvault.cli.status_report import read_overview, status_json, status_lines
    from mailvault.schedule.due import Almanac

    settings = configuration(context)
    with wiring.open_archive(settings, writing=False) as archive:
        now, needed = wiring.SystemClock().now(), logins.logins_needed(settings)
        almanac = Almanac(wiring.local_zone(), archive.id)
        coming = next_runs(read_coming(archive, settings, almanac, now, 1))
        overview = read_overview(archive, settings, now, needed, coming)
    if as_json:
        emit_json(status_json(overview))
        return
    for line in status_lines(overview):
        emit(line)
