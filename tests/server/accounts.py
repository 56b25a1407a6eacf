"""Filling a user's mailboxes, and asking the oracle what they hold."""

from collections.abc import Iterable

from tests import oracle
from tests.corpus.letter import Letter
from tests.corpus.odd import oddities
from tests.corpus.ordinary import FLAG_SETS, generate
from tests.oracle import Holdings
from tests.servers.imap_session import ImapSession, Refused
from tests.servers.users import MailUser

ODD_NAMES = ("Läbel", "Übung & Co", "日本語", "With blank", 'quo"te', "100%", "Inbox2", "a~b")


def read(user: MailUser) -> Holdings:
    """Ask the oracle what the user's mailboxes hold now."""
    with user.session() as session:
        return oracle.read(session)


def append_all(session: ImapSession, mailbox: str, letters: Iterable[Letter]) -> None:
    for letter in letters:
        date = letter.internal_date
        when = date.strftime("%d-%b-%Y %H:%M:%S %z") if date else None
        session.append(mailbox, letter.octets, sorted(letter.flags), when)


def append_oddities(session: ImapSession, mailbox: str) -> int:
    """APPEND every odd message the server takes; give how many."""
    taken = 0
    for number, oddity in enumerate(oddities()):
        flags = sorted(FLAG_SETS[number % len(FLAG_SETS)])
        date = f"{1 + number % 28:02}-Jul-20{number % 25:02} 23:59:58 -0930"
        try:
            session.append(mailbox, oddity.octets, flags, date)
        except Refused:
            continue
        taken += 1
    return taken


def furnish(user: MailUser, *, prefix: str = "", names: Iterable[str] = ODD_NAMES) -> None:
    """Give the user odd and ordinary mail, with duplicates, in oddly named mailboxes."""
    with user.session() as session:
        append_oddities(session, "INBOX")
        for number, name in enumerate(names):
            session.create(prefix + name)
            append_all(session, prefix + name, generate(number // 2, 12))
