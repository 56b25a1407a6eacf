"""Deleting named messages, and nothing else, from a mailbox (RFC 4315)."""

from mailvault.errors import ServerRefused
from mailvault.protocols.imap import commands
from mailvault.protocols.imap.uidset import UidSet
from mailvault.transport.imap_selecting import select
from mailvault.transport.imap_session import Session

LONGEST_SET = 7000  # octets: Exchange and Courier drop the connection over long lines


def expunge(session: Session, wire_name: bytes, uids: UidSet, uidvalidity: int) -> None:
    """Mark and expunge ``uids``. Never a plain EXPUNGE, which takes what others marked.

    Raises ServerRefused: there is no UIDPLUS, the mailbox is another one now, or no.
    """
    if not session.offers("UIDPLUS") and not session.offers("IMAP4REV2"):
        raise ServerRefused(f"{session.endpoint} offers no UIDPLUS")
    selected = select(session, wire_name)
    if selected.state.uidvalidity != uidvalidity:
        raise ServerRefused("the mailbox was replaced before anything was deleted")
    for some in uids.split_encoded(LONGEST_SET):
        session.run(commands.uid_store_deleted(some))
        session.run(commands.uid_expunge(some))
