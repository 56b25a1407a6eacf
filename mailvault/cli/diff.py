"""The command ``diff``."""

from typing import Annotated

import typer

from mailvault.cli.invocation import configuration, invocation
from mailvault.cli.options import AccountArgument, JsonOption, MailboxOption
from mailvault.cli.output import emit, emit_json


def diff(
    context: typer.Context,
    first: Annotated[
        str, typer.Argument(metavar="A", help="The earlier time: a run, a date, or 3d ago.")
    ],
    last: Annotated[str, typer.Argument(metavar="B", help="The later time, or the word now.")],
    account: AccountArgument = None,
    mailbox: MailboxOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what changed between two times."""
    from mailvault import wiring
    from mailvault.cli.choices import archived_account, chosen_globs, chosen_mailboxes
    from mailvault.cli.diff_report import Tally, change_json, change_line
    from mailvault.cli.spans import chosen_span
    from mailvault.operations.diff import diff as operation

    settings = configuration(context)
    tally = Tally()
    with wiring.open_archive(settings, writing=False) as archive:
        account = archived_account(archive, settings, account)
        chosen_mailboxes(archive, account, mailbox)
        span = chosen_span(archive, first, last)
        for change in operation(archive, *span, account=account, globs=chosen_globs(mailbox)):
            tally.add(change)
            if as_json:
                emit_json(change_json(change))
            else:
                emit(change_line(change))
    if not as_json and invocation(context).verbosity >= 0:
        emit(tally.line())
