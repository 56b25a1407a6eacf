"""What a client may add to an account that is served for writing: mailboxes and messages.

RFC 9051 6.3.4, 6.3.7 and 6.3.12, with CREATE-SPECIAL-USE (RFC 6154), UIDPLUS (RFC 4315) and
MULTIAPPEND (RFC 3502).
"""

from datetime import UTC, datetime

from mailvault.demo import answers
from mailvault.demo.commands import (
    BadCommand,
    Word,
    as_list,
    as_text,
    format_set,
    option_pairs,
)
from mailvault.demo.mailbox import ServedAccount, ServedMailbox
from mailvault.protocols.imap.dates import parse_internal_date

EXTENSIONS = (b"UIDPLUS", b"MULTIAPPEND", b"CREATE-SPECIAL-USE")

_SYSTEM_FLAGS = {b"\\SEEN", b"\\ANSWERED", b"\\FLAGGED", b"\\DELETED", b"\\DRAFT"}


class NotAdded(Exception):
    """The command was understood, and cannot be done."""


def create(account: ServedAccount, words: list[Word]) -> None:
    """Make a mailbox, and those on the way to it."""
    if not words:
        raise BadCommand("CREATE needs a name")
    name = answers.read_name(as_text(words[0]))
    if not all(name.parts) or account.find(name):
        raise NotAdded("[ALREADYEXISTS] There is such a mailbox, or there cannot be")
    uses = dict(option_pairs(as_list(words[1]) if len(words) > 1 else [])).get(b"USE")
    use = as_text(as_list(uses)[0]).decode("ascii") if uses else None
    account.create(answers.DELIMITER.join(name.parts), special_use=use)


def append(mailbox: ServedMailbox, words: list[Word]) -> bytes:
    """Add messages, all or none; give the response code that says where they are."""
    rest = list(words[1:])
    messages = [_taken(rest)]
    while rest:
        messages.append(_taken(rest))
    uids = [mailbox.append(octets, flags=f, internal_date=date) for octets, f, date in messages]
    return b"[APPENDUID %d %s] " % (mailbox.uidvalidity, format_set(uids))


def _taken(rest: list[Word]) -> tuple[bytes, list[str], datetime]:
    """Take one message of an APPEND: flags and date may be left out."""
    flags = [_flag(as_text(word)) for word in as_list(rest.pop(0))] if _is_list(rest) else []
    date = datetime.now(UTC)
    if len(rest) > 1 and not isinstance(rest[1], list):
        date = _date(as_text(rest.pop(0)))
    if not rest:
        raise BadCommand("APPEND needs a message")
    return as_text(rest.pop(0)), flags, date


def _is_list(words: list[Word]) -> bool:
    return bool(words) and isinstance(words[0], list)


def _flag(word: bytes) -> str:
    if word.upper() in _SYSTEM_FLAGS:
        return "\\" + word[1:].decode("ascii").title()
    if word.startswith(b"\\"):
        raise BadCommand("no such system flag")
    return word.decode("ascii")


def _date(text: bytes) -> datetime:
    instant = parse_internal_date(text)
    if instant is None:
        raise BadCommand("not a date")
    return instant
