"""The command ``prune``."""

import typer

from mailvault.cli.invocation import check_account, configuration, invocation
from mailvault.cli.options import (
    AccountOption,
    DryRunOption,
    GoneForOption,
    JsonOption,
    KeepLastOption,
    MailboxOption,
    YesOption,
)
from mailvault.cli.output import emit, emit_json
from mailvault.cli.prompts import agreed


def prune(
    context: typer.Context,
    gone_for: GoneForOption = None,
    keep_last: KeepLastOption = None,
    account: AccountOption = None,
    mailbox: MailboxOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Forget expunged mail by a policy given here; show it first."""
    from mailvault import wiring
    from mailvault.cli.choices import chosen_globs, chosen_mailboxes
    from mailvault.cli.prune_report import plan_lines, prune_json, report_line
    from mailvault.operations.ages import parse_days
    from mailvault.operations.prune import PrunePolicy, plan_prune
    from mailvault.operations.prune import prune as operation

    settings = configuration(context)
    days = None if gone_for is None else parse_days(gone_for, "--gone-for")
    policy = PrunePolicy(days, keep_last, account, chosen_globs(mailbox))
    with wiring.open_archive(settings, writing=False) as archive:
        check_account(account, {each.name for each in archive.catalog.accounts()})
        chosen_mailboxes(archive, account, mailbox)
        plan = plan_prune(archive, policy)
    if invocation(context).verbosity >= 0 and not as_json:
        for line in plan_lines(plan):
            emit(line)
    report = None
    if not (dry_run or plan.is_empty) and agreed("forget these messages for good", yes=yes):
        with wiring.open_archive(settings, writing=True) as archive:
            report = operation(archive, policy, plan.digests)
    if as_json:
        emit_json(prune_json(plan, report))
    elif report is not None and invocation(context).verbosity >= 0:
        emit(report_line(report))
    raise typer.Exit(plan.exit_code)
