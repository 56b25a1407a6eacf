"""The command ``list``."""

import typer

from mailvault.cli.invocation import configuration
from mailvault.cli.options import (
    AccountArgument,
    AtOption,
    GoneOption,
    JsonOption,
    MailboxOption,
)
from mailvault.cli.output import emit, emit_json


def list_messages(
    context: typer.Context,
    account: AccountArgument = None,
    mailbox: MailboxOption = None,
    at: AtOption = None,
    gone: GoneOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the messages of the archive, mailbox by mailbox."""
    from mailvault import wiring
    from mailvault.cli.choices import archived_account, chosen_mailboxes, chosen_run
    from mailvault.cli.shapes import placement_json, placement_line

    settings = configuration(context)
    with wiring.open_archive(settings, writing=False) as archive:
        account = archived_account(archive, settings, account)
        placements = archive.catalog.placements(
            account=account,
            mailbox_ids=chosen_mailboxes(archive, account, mailbox),
            at=chosen_run(archive, at),
            gone=gone,
        )
        for placement in placements:
            if as_json:
                emit_json(placement_json(placement))
            else:
                emit(placement_line(placement))
