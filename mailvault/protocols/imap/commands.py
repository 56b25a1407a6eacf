"""Every command mailvault sends (RFC 9051 6); `encoder` writes them.

A command is built from typed arguments, never from text: what a server or a user chose can
reach the wire only as a string of the protocol, so it cannot become a command.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from mailvault.mail.delivery import is_flag
from mailvault.mail.model import Octets
from mailvault.protocols.imap.uidset import UidSet


class Name(StrEnum):
    """The commands, by the name that goes over the wire."""

    CAPABILITY = "CAPABILITY"
    NOOP = "NOOP"
    LOGOUT = "LOGOUT"
    ID = "ID"
    STARTTLS = "STARTTLS"
    LOGIN = "LOGIN"
    AUTHENTICATE = "AUTHENTICATE"
    ENABLE = "ENABLE"
    COMPRESS = "COMPRESS"
    NAMESPACE = "NAMESPACE"
    LIST = "LIST"
    LSUB = "LSUB"
    STATUS = "STATUS"
    SELECT = "SELECT"
    EXAMINE = "EXAMINE"
    CLOSE = "CLOSE"
    UNSELECT = "UNSELECT"
    IDLE = "IDLE"
    UID_SEARCH = "UID SEARCH"
    UID_FETCH = "UID FETCH"
    UID_STORE = "UID STORE"
    UID_EXPUNGE = "UID EXPUNGE"
    CREATE = "CREATE"
    SUBSCRIBE = "SUBSCRIBE"
    APPEND = "APPEND"
    GETQUOTAROOT = "GETQUOTAROOT"


class FetchItem(StrEnum):
    """What a UID FETCH may ask for."""

    FLAGS = "FLAGS"
    INTERNALDATE = "INTERNALDATE"
    SIZE = "RFC822.SIZE"
    MODSEQ = "MODSEQ"
    BODY = "BODY.PEEK[]"
    MESSAGE_ID = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
    EMAIL_ID = "EMAILID"
    GMAIL_MESSAGE_ID = "X-GM-MSGID"
    GMAIL_LABELS = "X-GM-LABELS"


class StoreItem(StrEnum):
    """What a UID STORE may do."""

    ADD_DELETED = "+FLAGS.SILENT (\\Deleted)"


class StatusAttribute(StrEnum):
    """What a STATUS, or a LIST that returns STATUS, may ask for."""

    MESSAGES = "MESSAGES"
    UIDNEXT = "UIDNEXT"
    UIDVALIDITY = "UIDVALIDITY"
    UNSEEN = "UNSEEN"
    HIGHESTMODSEQ = "HIGHESTMODSEQ"
    SIZE = "SIZE"
    MAILBOXID = "MAILBOXID"
    RECENT = "RECENT"
    APPENDLIMIT = "APPENDLIMIT"


_ATOM = re.compile(r"[A-Za-z0-9.*=_-]+")


@dataclass(frozen=True, slots=True)
class Atom:
    """A word or number of ours. Raises ValueError if it is anything more."""

    text: str

    def __post_init__(self) -> None:
        if not _ATOM.fullmatch(self.text):
            raise ValueError(f"not an atom: {self.text[:40]!r}")


@dataclass(frozen=True, slots=True)
class FlagWord:
    """A flag, keyword or special use. Raises ValueError if it is anything more."""

    text: str

    def __post_init__(self) -> None:
        if not is_flag(self.text):
            raise ValueError(f"not a flag: {self.text[:40]!r}")


@dataclass(frozen=True, slots=True)
class String:
    """Octets that someone else chose: written as a quoted string or a literal."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MessageLiteral:
    """A message: always a literal, and streamed if it lies in a file.

    ``is_utf8`` writes RFC 6855's ``UTF8 (~{...})``, for headers in UTF-8.
    """

    octets: Octets = field(repr=False)
    is_utf8: bool = False


Argument: TypeAlias = (
    Atom
    | FlagWord
    | FetchItem
    | StoreItem
    | String
    | MessageLiteral
    | UidSet
    | Sequence["Argument"]
)


@dataclass(frozen=True, slots=True)
class Command:
    """A command without its tag; its last fields tell which responses answer it."""

    name: Name
    arguments: tuple[Argument, ...] = field(default=(), repr=False)
    uids: UidSet | None = None
    items: tuple[FetchItem, ...] = ()
    mailbox: bytes | None = None
    returns_status: bool = False
    initial: bytes | None = field(default=None, repr=False)  # AUTHENTICATE's first response


def capability() -> Command:
    return Command(Name.CAPABILITY)


def noop() -> Command:
    return Command(Name.NOOP)


def logout() -> Command:
    return Command(Name.LOGOUT)


def starttls() -> Command:
    return Command(Name.STARTTLS)


def identify(fields: Iterable[tuple[str, str]] = ()) -> Command:
    """RFC 2971 ID; without fields it says nothing and still asks."""
    strings = [String(text.encode()) for pair in fields for text in pair]
    return Command(Name.ID, (strings or Atom("NIL"),))


def login(user: str, password: str) -> Command:
    return Command(Name.LOGIN, (String(user.encode()), String(password.encode())))


def authenticate(mechanism: str, initial: bytes | None = None) -> Command:
    """Begin a SASL exchange; ``initial`` is raw and goes out as early as the server allows."""
    return Command(Name.AUTHENTICATE, (Atom(mechanism),), initial=initial)


def enable(*names: str) -> Command:
    """RFC 5161."""
    return Command(Name.ENABLE, tuple(map(Atom, names)))


def compress() -> Command:
    """RFC 4978. After its OK, everything in both directions is deflated."""
    return Command(Name.COMPRESS, (Atom("DEFLATE"),))


def namespace() -> Command:
    return Command(Name.NAMESPACE)


def list_mailboxes(pattern: bytes = b"*", reference: bytes = b"") -> Command:
    """The LIST that every server knows."""
    return Command(Name.LIST, (String(reference), String(pattern)))


def list_extended(
    pattern: bytes = b"*",
    *,
    status: Iterable[StatusAttribute] = (),
    subscribed: bool = False,
    special_use: bool = False,
) -> Command:
    """RFC 5258 LIST; also returns subscription, RFC 6154 uses and RFC 5819 STATUS if asked."""
    returns: list[Argument] = [Atom("CHILDREN")]
    if subscribed:
        returns.append(Atom("SUBSCRIBED"))
    if special_use:
        returns.append(Atom("SPECIAL-USE"))
    items = tuple(map(Atom, status))
    if items:
        returns += [Atom("STATUS"), items]
    arguments: tuple[Argument, ...] = (String(b""), String(pattern), Atom("RETURN"), returns)
    return Command(Name.LIST, arguments, returns_status=bool(items))


def lsub(pattern: bytes = b"*") -> Command:
    return Command(Name.LSUB, (String(b""), String(pattern)))


def status(mailbox: bytes, items: Iterable[StatusAttribute]) -> Command:
    return Command(Name.STATUS, (String(mailbox), tuple(map(Atom, items))), mailbox=mailbox)


def examine(
    mailbox: bytes, *, condstore: bool = False, qresync: tuple[int, int] | None = None
) -> Command:
    """Open read-only. ``qresync`` is the UIDVALIDITY and HIGHESTMODSEQ last seen (RFC 7162)."""
    return Command(Name.EXAMINE, _selecting(mailbox, condstore, qresync), mailbox=mailbox)


def select(
    mailbox: bytes, *, condstore: bool = False, qresync: tuple[int, int] | None = None
) -> Command:
    """Open for changes; otherwise as `examine`."""
    return Command(Name.SELECT, _selecting(mailbox, condstore, qresync), mailbox=mailbox)


def close() -> Command:
    return Command(Name.CLOSE)


def unselect() -> Command:
    return Command(Name.UNSELECT)


def idle() -> Command:
    """RFC 2177. Ended by `Connection.done`."""
    return Command(Name.IDLE)


def uid_search(uids: UidSet, *, esearch: bool) -> Command:
    """Ask which of ``uids`` exist; ``esearch`` where the server offers ESEARCH.

    RETURN (ALL) in full: Exchange answers nothing to RETURN ().
    """
    options: tuple[Argument, ...] = (Atom("RETURN"), (Atom("ALL"),)) if esearch else ()
    return Command(Name.UID_SEARCH, (*options, Atom("UID"), uids), uids=uids)


def uid_fetch(
    uids: UidSet,
    items: Iterable[FetchItem],
    *,
    changed_since: int | None = None,
    vanished: bool = False,
) -> Command:
    """Fetch ``items``; ``changed_since`` needs CONDSTORE, ``vanished`` QRESYNC enabled."""
    modifiers: list[Argument] = []
    if changed_since is not None:
        modifiers += [Atom("CHANGEDSINCE"), Atom(str(changed_since))]
    if vanished:
        modifiers.append(Atom("VANISHED"))
    asked = tuple(items)
    arguments: tuple[Argument, ...] = (uids, asked, modifiers) if modifiers else (uids, asked)
    return Command(Name.UID_FETCH, arguments, uids=uids, items=asked)


def uid_store_deleted(uids: UidSet) -> Command:
    """Mark messages to be expunged; the server keeps quiet about it."""
    return Command(Name.UID_STORE, (uids, StoreItem.ADD_DELETED))


def uid_expunge(uids: UidSet) -> Command:
    """Expunge these and no others that are marked (RFC 4315 2.1); needs UIDPLUS."""
    return Command(Name.UID_EXPUNGE, (uids,))


def _selecting(
    mailbox: bytes, condstore: bool, qresync: tuple[int, int] | None
) -> tuple[Argument, ...]:
    if qresync is not None:
        parameters = tuple(Atom(str(number)) for number in qresync)
        return String(mailbox), (Atom("QRESYNC"), parameters)
    return (String(mailbox), (Atom("CONDSTORE"),)) if condstore else (String(mailbox),)
