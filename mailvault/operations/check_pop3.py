"""Check of a POP3 account: log in, list, and say what the server can do."""

from collections.abc import Callable

from mailvault.errors import MailvaultError
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import INBOX
from mailvault.operations.check import (
    FEATURES_OF_POP3,
    CheckedMailbox,
    CheckReport,
    mistakes_in,
)
from mailvault.transport.pop3 import Pop3Client


def check_pop3(
    account: str, connect: Callable[[], Pop3Client], globs: MailboxGlobs
) -> CheckReport:
    """Look at one account. Changes nothing on either side."""
    try:
        with connect() as client:
            listing = client.listing()
            capabilities = set(client.capabilities.arguments)
            server = client.capabilities.implementation or client.greeting_text
    except MailvaultError as error:
        return CheckReport(account, error=error, known_features=FEATURES_OF_POP3)
    if listing.flaw is None:
        capabilities.add("UIDL")  # answered, whatever CAPA says
    else:
        capabilities.discard("UIDL")
    is_selected = globs.matches(INBOX)
    mailboxes = (CheckedMailbox(INBOX, len(listing.numbers), None, is_selected=is_selected),)
    unmatched = globs.unmatched([INBOX])
    return CheckReport(
        account,
        server=server,
        capabilities=frozenset(capabilities),
        mailboxes=mailboxes,
        unmatched_globs=unmatched,
        mistakes=tuple(mistakes_in(account, mailboxes, unmatched)),
        known_features=FEATURES_OF_POP3,
    )
