"""The command ``verify``."""

from typing import Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import JsonOption
from mailvault.cli.output import emit, emit_json
from mailvault.cli.progress import watched
from mailvault.errors import UsageError


def verify(
    context: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="Check the structure only.")] = False,
    sample: Annotated[
        float | None,
        typer.Option("--sample", metavar="PCT", help="Read this share of the messages."),
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="Read and hash everything; this is what it does alone."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Prove that the archive is whole, or name what is damaged."""
    from mailvault import wiring
    from mailvault.cli.verify_report import verify_json, verify_lines
    from mailvault.operations.verify import VerifyMode
    from mailvault.operations.verify import verify as operation

    if quick + full + (sample is not None) > 1:
        raise UsageError("--quick, --sample and --full exclude each other")
    if sample is not None and not 0 < sample <= 100:
        raise UsageError(f"--sample is a share of 100, not {sample:g}")
    mode = VerifyMode.QUICK if quick else VerifyMode.SAMPLE if sample else VerifyMode.FULL
    with (
        wiring.open_archive(configuration(context), writing=False) as archive,
        watched(context) as progress,
    ):
        report = operation(archive, mode=mode, percent=sample or 100.0, progress=progress)
    if as_json:
        emit_json(verify_json(report))
    else:
        for line in verify_lines(report, is_quiet=invocation(context).verbosity < 0):
            emit(line)
    raise typer.Exit(report.exit_code)
