"""What the IMAP client hands out: mailboxes, messages and how asking for them ended."""

from dataclasses import dataclass
from datetime import datetime

from mailvault.mail.model import Flags, Mailbox, MailboxState, Octets, Uid
from mailvault.protocols.imap.uidset import UidSet


@dataclass(frozen=True, slots=True)
class ListedMailbox:
    """A mailbox, and the octets that name it to this server."""

    mailbox: Mailbox
    wire_name: bytes


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the server told of one message; None where it did not.

    ``problem`` says why a body that was asked for is None although the server answered.
    """

    uid: Uid
    flags: Flags | None = None
    internal_date: datetime | None = None
    size: int | None = None
    modseq: int | None = None
    message_id: str | None = None
    body: Octets | None = None
    problem: str | None = None
    email_id: str | None = None
    labels: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Selected:
    """A mailbox as EXAMINE opened it. The last two are None and empty without QRESYNC."""

    exists: int
    state: MailboxState
    permanent_flags: Flags
    vanished: UidSet | None = None
    changed: tuple[Fetched, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchedSet:
    """How one command for bodies ended: complete, or refused and then without messages."""

    asked: UidSet
    messages: tuple[Fetched, ...]
    refusal: str | None = None
    refusal_code: str | None = None  # the response code of RFC 5530, such as "UNAVAILABLE"
    is_throttled: bool = False  # refused for our haste, and not for these messages
    retry_after: float | None = None  # seconds, where the server named them
