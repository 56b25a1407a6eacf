"""The command ``rebuild``."""

from dataclasses import asdict

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.logs import explain
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
        emit_json({"schema": 1, **asdict(report)})
    elif invocation(context).verbosity >= 0:
        runs, messages = count_text(report.runs, "run"), count_text(report.messages, "message")
        emit(f"rebuilt the catalog: {runs}, {messages}")
    if report.unindexed:
        explain(
            f"{count_text(report.unindexed, 'message')} could not be read to index them",
            "mailvault verify says what is wrong with them",
            exit_code=report.exit_code,
            log_format=invocation(context).log_format,
        )
    raise typer.Exit(report.exit_code)
