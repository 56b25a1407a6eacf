"""The command ``accept``."""

from typing import Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import DryRunOption, JsonOption, YesOption
from mailvault.cli.output import emit, emit_json
from mailvault.cli.prompts import agreed


def accept(
    context: typer.Context,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Whose suspicions.")],
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say that what looked suspicious was meant; show it first."""
    from mailvault import wiring
    from mailvault.cli.accept_report import accept_json, accepted_line, suspicion_lines
    from mailvault.cli.choices import archived_account
    from mailvault.operations.accept import AcceptReport, suspected
    from mailvault.operations.accept import accept as operation

    settings = configuration(context)
    with wiring.open_archive(settings, writing=False) as archive:
        archived_account(archive, settings, account)
        shown = suspected(archive, account)
    report = AcceptReport(shown, is_accepted=False)
    speaks = invocation(context).verbosity >= 0 and not as_json
    for line in suspicion_lines(shown) if speaks else ():
        emit(line)
    if shown.suspicions and not dry_run and agreed("was all of this meant", yes=yes):
        with wiring.open_archive(settings, writing=True) as archive:
            report = operation(archive, shown)
    if as_json:
        emit_json(accept_json(report))
    elif report.is_accepted and speaks:
        emit(accepted_line(report))
    raise typer.Exit(report.exit_code)
