"""Searches the open mailbox for a message by its Message-ID."""

from mailvault.protocols.imap.commands import Atom, Command, Name, String
from mailvault.protocols.imap.types import ESearch, Search
from mailvault.protocols.imap.uidset import EMPTY, UidSet
from mailvault.transport.imap_session import Session

_LONGEST = 900  # octets: what is longer would need a literal, which some servers refuse here


def search_message_id(session: Session, message_id: str) -> UidSet:
    """Ask which messages have that Message-ID, or one that contains it (RFC 9051 6.4.4).

    What cannot be said in a search is found nowhere. Raises ServerRefused.
    """
    if not message_id.isascii() or not 0 < len(message_id) <= _LONGEST or "\0" in message_id:
        return EMPTY
    header = (Atom("HEADER"), String(b"Message-ID"), String(message_id.encode()))
    found = EMPTY
    for value in session.run(Command(Name.UID_SEARCH, header)):
        if isinstance(value, Search):
            found |= value.numbers
        elif isinstance(value, ESearch) and value.all is not None:
            found |= value.all
    return found
