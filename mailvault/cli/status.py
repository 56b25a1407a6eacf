"""The command ``status``."""

from typing import TYPE_CHECKING, Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json

if TYPE_CHECKING:
    from datetime import datetime

    from mailvault.operations.freshness import Freshness

INCOMPLETE = 3


def status(
    context: typer.Context,
    check: Annotated[
        bool,
        typer.Option("--check", help="End with 3 if an account had no success for too long."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
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
        late = wiring.overdue_accounts(archive, settings)
    if as_json:
        emit_json(status_json(overview) | {"overdue": [each.account for each in late]})
    else:
        for line in status_lines(overview):
            emit(line)
    if check and late:
        for each in late:
            _explain(each, now, invocation(context).log_format)
        raise typer.Exit(INCOMPLETE)


def _explain(late: "Freshness", now: "datetime", log_format: str) -> None:
    import shlex

    from mailvault.cli.logs import explain
    from mailvault.cli.render import duration_text

    if late.last_success is None:
        what = f"{late.account}: never had a success"
    else:
        age = duration_text((now - late.last_success).total_seconds())
        what = f"{late.account}: no success for {age}, longer than {duration_text(late.limit)}"
    hint = f"see what went wrong: mailvault log {shlex.quote(late.account)}"
    explain(what, hint, exit_code=INCOMPLETE, log_format=log_format)
