"""The command ``log``."""

from typing import Annotated

import typer

from mailvault.cli.invocation import configuration
from mailvault.cli.options import AccountArgument, AtOption, JsonOption
from mailvault.cli.output import emit, emit_json


def log(
    context: typer.Context,
    account: AccountArgument = None,
    at: AtOption = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="Only the newest so many runs.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the runs: when, how long, what changed, how it ended."""
    from mailvault import wiring
    from mailvault.cli.choices import archived_account, chosen_run
    from mailvault.cli.run_shapes import run_json, run_lines

    settings = configuration(context)
    with wiring.open_archive(settings, writing=False) as archive:
        account = archived_account(archive, settings, account)
        for run in archive.catalog.runs(account, limit, until=chosen_run(archive, at)):
            if as_json:
                emit_json(run_json(run))
                continue
            for line in run_lines(run):
                emit(line)
