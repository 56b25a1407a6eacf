"""The command ``run``."""

import logging
from typing import Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json
from mailvault.cli.progress import watched
from mailvault.cli.unattended import unattended
from mailvault.errors import ArchiveLocked, UsageError

log = logging.getLogger(__name__)


def run(
    context: typer.Context,
    due: Annotated[
        bool, typer.Option("--due", help="What the schedules say is due, and was not done.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Do once what is due: for cron, timers and containers."""
    from mailvault.config.jobs import jobs_of
    from mailvault.housekeeping import bound_heap

    if not due:
        raise UsageError("nothing to run", hint="mailvault run --due does what is due")
    bound_heap()
    settings = configuration(context)
    if not jobs_of(settings):
        log.warning("nothing is scheduled, so nothing is ever due: docs/unattended.md")
    is_quiet = invocation(context).verbosity < 0
    try:
        with watched(context) as progress:
            ended = unattended(context).run_due(settings, progress)
    except ArchiveLocked as error:
        if not is_quiet:
            raise
        # For cron, which mails every word: that somebody is at work is no trouble.
        raise typer.Exit(error.exit_code) from error
    from mailvault.cli.due_report import due_exit_code, due_json, due_lines, explain_due

    if as_json:
        emit_json(due_json(ended))
    elif not is_quiet:
        for line in due_lines(ended):
            emit(line)
    explain_due(ended, invocation(context).log_format)
    raise typer.Exit(due_exit_code(ended))
