"""The command ``status``."""

import os
import sys
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
    from mailvault.cli.paper import paper_of
    from mailvault.cli.status_report import status_lines
    from mailvault.monitoring.overview import read_overview
    from mailvault.monitoring.shapes import status_json

    overview = read_overview(configuration(context))
    if as_json:
        emit_json(status_json(overview))
    else:
        for line in status_lines(overview, paper_of(sys.stdout, os.environ)):
            emit(line)
    if check and overview.overdue:
        for each in overview.overdue.values():
            _explain(each, overview.now, invocation(context).log_format)
        raise typer.Exit(INCOMPLETE)


def _explain(late: "Freshness", now: "datetime", log_format: str) -> None:
    import shlex

    from mailvault.cli.logs import explain
    from mailvault.cli.render import duration_text

    name = shlex.quote(late.account)
    hint = f"see what went wrong: mailvault log {name}"
    if late.last_success is None:
        what = f"{late.account}: never had a success"
        hint += f"; if nothing did yet: mailvault sync {name}"
    else:
        age = duration_text((now - late.last_success).total_seconds())
        what = f"{late.account}: no success for {age}, longer than {duration_text(late.limit)}"
    explain(what, hint, exit_code=INCOMPLETE, log_format=log_format)
