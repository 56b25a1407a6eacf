"""The command ``mailboxes``."""

from typing import Annotated

import typer

from mailvault.cli.invocation import chosen_accounts, configuration
from mailvault.cli.options import AccountArgument, AtOption, JsonOption
from mailvault.cli.output import emit, emit_json
from mailvault.errors import UsageError


def mailboxes(
    context: typer.Context,
    account: AccountArgument = None,
    at: AtOption = None,
    remote: Annotated[
        bool, typer.Option("--remote", help="Those of the server, not of the archive.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List mailboxes with what they hold."""
    from mailvault import wiring
    from mailvault.cli.choices import archived_account, chosen_run
    from mailvault.cli.shapes import MailboxLine, mailbox_json, mailbox_lines

    settings = configuration(context)
    if remote and at is not None:
        raise UsageError("--remote shows the present; it cannot be combined with --at")
    if remote:
        chosen = chosen_accounts(settings, [account] if account else None)
        lines = [MailboxLine.of_server(*each) for each in wiring.remote_mailboxes(chosen)]
    else:
        with wiring.open_archive(settings, writing=False) as archive:
            name = archived_account(archive, settings, account)
            views = archive.catalog.mailboxes(name, chosen_run(archive, at))
            lines = [MailboxLine.of_archive(view) for view in views]
    for line in lines if as_json else ():
        emit_json(mailbox_json(line))
    for text in () if as_json else mailbox_lines(lines):
        emit(text)
