"""The command ``rebuild``."""

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json
from mailvault.cli.progress import watched
from mailvault.cli.render import count_text


def rebuild(context: typer.Context, as_json: JsonOption = False) -> None:
    """Make the catalog anew from the content and the journal."""
    from mailvault import wiring

    settings = configuration(context)
    with watched(context) as progress:
        report = wiring.rebuild(settings, progress=progress)
    if as_json:
        emit_json({"schema": 1, "runs": report.runs, "messages": report.messages})
    elif invocation(context).verbosity >= 0:
        runs, messages = count_text(report.runs, "run"), count_text(report.messages, "message")
        emit(f"rebuilt the catalog: {runs}, {messages}")
