"""The command ``status``."""

import os
import sys

import typer

from mailvault.cli.invocation import configuration
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json


def status(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show how fresh the archive is, and what is owed."""
    from mailvault.cli.paper import paper_of
    from mailvault.cli.status_report import status_lines
    from mailvault.monitoring.overview import read_overview
    from mailvault.monitoring.shapes import status_json

    overview = read_overview(configuration(context))
    if as_json:
        emit_json(status_json(overview))
        return
    for line in status_lines(overview, paper_of(sys.stdout, os.environ)):
        emit(line)
