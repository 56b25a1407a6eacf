"""What the alarms remember: open troubles, and letters not delivered yet.

Values only. No message content, no subject and no sender ever gets into them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mailvault.operations.roundup import Roundup


class Kind(StrEnum):
    """What is wrong. A trouble that becomes one of another kind is told again."""

    NETWORK = "network"
    LOGIN = "login"
    NEEDS_LOGIN = "needs-login"
    TLS = "tls"
    CONFIGURATION = "configuration"
    ARCHIVE = "archive"
    NO_SPACE = "no-space"
    DAMAGE = "damage"
    MAILBOXES = "mailboxes"
    OWED = "owed"
    SUSPICION = "suspicion"
    NO_SUCCESS = "no-success"
    PLANNING = "planning"
    BUG = "bug"


class Event(StrEnum):
    """Why somebody is told."""

    FAILURE = "failure"
    SUSPICION = "suspicion"
    NEEDS_LOGIN = "needs-login"
    RECOVERY = "recovery"
    REMINDER = "reminder"
    DIGEST = "digest"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class OpenTrouble:
    """Something that is wrong. ``key`` says what it is of, and stays when the kind changes.

    ``told_at`` is when it was told as it is now; ``owes_recovery`` if its end is to be told.
    ``parts`` are the mailboxes that it is about, where one more is news.
    """

    key: str
    kind: Kind
    since: datetime
    summary: str
    hint: str | None = None
    account: str | None = None
    job: str | None = None
    exit_code: int | None = None
    told_at: datetime | None = None
    owes_recovery: bool = False
    parts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody is told. ``roundup`` is what a digest has to say."""

    id: str
    event: Event
    at: datetime
    summary: str
    kind: Kind | None = None
    hint: str | None = None
    account: str | None = None
    job: str | None = None
    exit_code: int | None = None
    since: datetime | None = None
    roundup: Roundup | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice that some channels have not taken yet."""

    notice: Notice
    channels: tuple[str, ...]
    attempts: int = 0
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """All of it. ``saved`` counts the times it was written; ``known`` is who was seen when.

    ``digested_at`` is up to when digests have told; None while none is wanted.
    """

    saved: int = 0
    known: Mapping[str, datetime] = field(default_factory=dict)
    troubles: Mapping[str, OpenTrouble] = field(default_factory=dict)
    outbox: tuple[Letter, ...] = ()
    digested_at: datetime | None = None
