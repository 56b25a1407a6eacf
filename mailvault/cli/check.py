"""The command ``check``."""

import typer

from mailvault.cli.invocation import chosen_accounts, configuration, invocation
from mailvault.cli.options import AccountsArgument, JsonOption
from mailvault.cli.output import emit, emit_json


def check(
    context: typer.Context,
    accounts: AccountsArgument = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the servers can do and what is misconfigured.

    Connects, logs in and lists mailboxes; changes nothing on either side.
    """
    from mailvault import wiring
    from mailvault.cli.check_report import check_json, check_lines, explain_check

    exit_code = 0
    for account in chosen_accounts(configuration(context), accounts):
        report = wiring.check_account(account)
        exit_code = max(exit_code, report.exit_code)
        if as_json:
            emit_json(check_json(report, account))
        else:
            for line in check_lines(report, account):
                emit(line)
        explain_check(report, invocation(context).log_format)
    raise typer.Exit(exit_code)
