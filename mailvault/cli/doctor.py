"""The command ``doctor``."""

import os
import sys
from typing import Annotated

import typer

from mailvault.cli.invocation import invocation
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json


def doctor(
    context: typer.Context,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not try to reach the servers.")
    ] = False,
    show_names: Annotated[
        bool, typer.Option("--show-names", help="Keep the names of servers and users.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show versions, settings and health, for a bug report."""
    from mailvault.cli.doctor_report import doctor_json, doctor_lines
    from mailvault.cli.paper import paper_of
    from mailvault.config.load import find
    from mailvault.errors import MailvaultError
    from mailvault.monitoring.doctor.report import examine

    try:
        path = find(invocation(context).config, os.environ)
    except MailvaultError as error:
        report = examine(error, is_offline=offline, shows_names=show_names)
    else:
        report = examine(path.absolute(), is_offline=offline, shows_names=show_names)
    if as_json:
        emit_json(doctor_json(report))
    else:
        for line in doctor_lines(report, paper_of(sys.stdout, os.environ)):
            emit(line)
    raise typer.Exit(report.exit_code)
