"""The command ``status``."""

import typer

from mailvault.cli.invocation import configuration
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json


def status(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show how fresh the archive is, and what is owed."""
    from mailvault import logins, wiring
    from mailvault.cli.status_report import read_overview, status_json, status_lines

    settings = configuration(context)
    with wiring.open_archive(settings, writing=False) as archive:
        now, needed = wiring.SystemClock().now(), logins.logins_needed(settings)
        overview = read_overview(archive, settings, now, needed)
    if as_json:
        emit_json(status_json(overview))
        return
    for line in status_lines(overview):
        emit(line)
