"""The facts a run records, in the order they became true.

These records are the archive's memory: the journal writes them down, the catalog and the
content store are told of them, and a rebuild tells them again. Nothing else may change a
catalog, which is why a rebuilt one is equal to the lost one. A mailbox and an account are
named by a number given in the archive once and for ever, so a rename costs one record.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from mailvault.mail.model import Cursor, Digest, Flags, MailboxName, RunNumber, Uid


@dataclass(frozen=True, slots=True)
class RunStarted:
    run: RunNumber
    at: datetime


@dataclass(frozen=True, slots=True)
class AccountAdded:
    account_id: int
    name: str
    protocol: str


@dataclass(frozen=True, slots=True)
class MailboxDescribed:
    """A mailbox appeared, was renamed, or its attributes changed."""

    mailbox_id: int
    account_id: int
    name: MailboxName
    special_use: str | None
    is_subscribed: bool | None
    attributes: frozenset[str]
    is_selectable: bool


@dataclass(frozen=True, slots=True)
class MailboxGone:
    """The server no longer lists the mailbox. What it held stays, as gone."""

    mailbox_id: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A message now lies in a mailbox. Its octets are in the content store."""

    uid: Uid
    digest: Digest
    size: int
    flags: Flags
    internal_date: datetime | None
    uidl: str | None = None
    email_id: str | None = None
    labels: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Reflagged:
    """All flags from now on, and all of Gmail's labels, where something is said of them."""

    uid: Uid
    flags: Flags
    labels: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """The server lists a message that it would not give."""

    uid: Uid
    reason: str


@dataclass(frozen=True, slots=True)
class MailboxChanged:
    """What one batch changed. Placing or expunging an owed message settles its debt.

    ``is_complete`` as in `Batch`: placements under another UIDVALIDITY end here.
    ``removed`` are those of ``expunged`` that the server deleted because we asked for it.
    """

    mailbox_id: int
    uidvalidity: int
    cursor: Cursor | None = None
    placed: tuple[Placed, ...] = ()
    reflagged: tuple[Reflagged, ...] = ()
    expunged: tuple[Uid, ...] = ()
    owed: tuple[Owed, ...] = ()
    is_complete: bool = False
    removed: tuple[Uid, ...] = ()


@dataclass(frozen=True, slots=True)
class Suspected:
    """A guard fired: the change was recorded, but may be a disaster and not a wish."""

    account_id: int
    mailbox_id: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A person said that what was suspected of an account so far was meant."""

    account_id: int


@dataclass(frozen=True, slots=True)
class MailboxFinished:
    """How the run's pass over one mailbox ended."""

    mailbox_id: int
    arrived: int
    flags_changed: int
    expunged: int
    unreadable: int
    octets: int
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AccountFinished:
    """How the run ended for one account; ``error`` is None when it succeeded."""

    account_id: int
    at: datetime
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RunFinished:
    """``exit_code`` is the one of docs/exit-codes.md that the command ended with."""

    at: datetime
    exit_code: int


@dataclass(frozen=True, slots=True)
class JobEnded:
    """How a command that is no run of sync ended; it changed no mailbox.

    ``kind`` is verify, verify-remote, drill, copy, prune or repair; ``account`` is None when
    the whole archive was meant. ``checked`` counts messages.
    """

    kind: str
    started_at: datetime
    at: datetime
    exit_code: int
    account: str | None
    checked: int
    octets: int
    detail: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """A policy let the archive forget messages that lie in no mailbox any more.

    All places they ever lay in are forgotten with them. One that lies somewhere stays.
    """

    digests: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """The octets of messages are lost, and nobody had them any more when they were sought."""

    at: datetime
    digests: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class Healed:
    """Messages that were quarantined are sound again."""

    digests: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class MemoryLost:
    """Records before this one are lost: every mailbox is walked from its beginning again."""

    reason: str


Record: TypeAlias = (
    RunStarted
    | AccountAdded
    | MailboxDescribed
    | MailboxGone
    | MailboxChanged
    | Suspected
    | Accepted
    | MailboxFinished
    | AccountFinished
    | RunFinished
    | JobEnded
    | Pruned
    | Quarantined
    | Healed
    | MemoryLost
)
