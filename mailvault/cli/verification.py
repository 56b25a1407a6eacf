"""The command ``verify``."""

from collections.abc import Sequence
from typing import Annotated

import typer

from mailvault.cli.invocation import chosen_accounts, configuration, invocation
from mailvault.cli.options import AccountsArgument, JsonOption, MailboxOption, share
from mailvault.cli.output import emit, emit_json
from mailvault.cli.progress import watched
from mailvault.cli.prompts import can_ask
from mailvault.errors import UsageError

HELP = "Read this share of the messages; those read longest ago first."


def verify(
    context: typer.Context,
    accounts: AccountsArgument = None,
    quick: Annotated[bool, typer.Option("--quick", help="Check the structure only.")] = False,
    sample: Annotated[
        float | None, typer.Option("--sample", metavar="PCT", parser=share, help=HELP)
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="Read and hash everything; without --remote the default."),
    ] = False,
    remote: Annotated[
        bool, typer.Option("--remote", help="Compare the servers with the archive.")
    ] = False,
    mailbox: MailboxOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that the archive is whole, or name what is damaged."""
    if quick + full + (sample is not None) > 1:
        raise UsageError("--quick, --sample and --full exclude each other")
    if not remote and (accounts or mailbox):
        raise UsageError(
            "without --remote the whole archive is verified",
            hint="leave out the names, or compare these with their server: --remote",
        )
    if remote:
        percent = 100.0 if full else sample or 0.0
        code = _compare(context, accounts, mailbox, percent=percent, as_json=as_json)
    else:
        code = _prove(context, is_quick=quick, sample=sample, as_json=as_json)
    raise typer.Exit(code)


def _prove(
    context: typer.Context, *, is_quick: bool, sample: float | None, as_json: bool
) -> int:
    from mailvault import wiring
    from mailvault.cli.verify_report import verify_json, verify_lines
    from mailvault.operations.verify import VerifyMode
    from mailvault.operations.verify import verify as operation
    from mailvault.wiring.telling import telling

    mode = VerifyMode.QUICK if is_quick else VerifyMode.SAMPLE if sample else VerifyMode.FULL
    settings = configuration(context)
    with (
        telling(settings, "verify") as told,
        wiring.open_archive(settings, writing=False) as archive,
        watched(context) as progress,
    ):
        report = operation(archive, mode=mode, percent=sample or 100.0, progress=progress)
        if report.findings or not is_quick:  # a look at the structure proves no message
            told.done(
                report.exit_code, f"{report.checked} read, {len(report.findings)} findings"
            )
    if as_json:
        emit_json(verify_json(report))
    else:
        for line in verify_lines(report, is_quiet=invocation(context).verbosity < 0):
            emit(line)
    return report.exit_code


def _compare(
    context: typer.Context,
    accounts: Sequence[str] | None,
    mailbox: Sequence[str] | None,
    *,
    percent: float,
    as_json: bool,
) -> int:
    from mailvault import wiring
    from mailvault.cli.choices import chosen_globs
    from mailvault.cli.remote_report import explain_remote, remote_json, remote_lines

    settings = configuration(context)
    chosen = chosen_accounts(settings, accounts)
    with (
        wiring.open_archive(settings, writing=False) as archive,
        watched(context) as progress,
    ):
        report = wiring.verify_remote(
            archive,
            chosen,
            percent=percent,
            only=chosen_globs(mailbox),
            by_hand=bool(accounts) and can_ask(),
            progress=progress,
        )
    if as_json:
        emit_json(remote_json(report))
    else:
        for line in remote_lines(report, verbosity=invocation(context).verbosity):
            emit(line)
    explain_remote(report, invocation(context).log_format)
    return report.exit_code
