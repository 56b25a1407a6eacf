"""The command ``repair``."""

from typing import Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import DryRunOption, JsonOption, YesOption
from mailvault.cli.output import emit, emit_json
from mailvault.cli.progress import watched
from mailvault.cli.prompts import agreed


def repair(
    context: typer.Context,
    drop_orphans: Annotated[
        bool,
        typer.Option(
            "--drop-orphans", help="Forget stored messages that the archive lists nowhere."
        ),
    ] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Heal what is damaged: fetch it again, or set it aside."""
    from mailvault import wiring
    from mailvault.cli.repair_report import plan_lines, repair_json, report_lines

    settings = configuration(context)
    with watched(context) as progress:
        plan = wiring.plan_repair(settings, progress=progress)
    is_talking = invocation(context).verbosity >= 0 and not as_json
    for line in plan_lines(plan, drop_orphans=drop_orphans) if is_talking else ():
        emit(line)
    is_idle = plan.is_empty and not (drop_orphans and plan.orphans)
    report = None
    if not (dry_run or is_idle) and agreed("repair the archive", yes=yes):
        with watched(context) as progress:
            report = wiring.repair(settings, drop_orphans=drop_orphans, progress=progress)
    if as_json:
        emit_json(repair_json(plan, report))
    elif report is not None and is_talking:
        for line in report_lines(report):
            emit(line)
    raise typer.Exit(plan.exit_code if report is None else report.exit_code)
