"""What the catalog answers: values, never rows."""

from dataclasses import dataclass
from datetime import datetime

from mailvault.mail.model import Cursor, Digest, Flags, MailboxName, RunNumber, Uid
from mailvault.mail.parts import Attachment


@dataclass(frozen=True, slots=True)
class AccountView:
    account_id: int
    name: str
    protocol: str


@dataclass(frozen=True, slots=True)
class MailboxView:
    """A mailbox at some time. ``uidvalidity`` and ``cursor`` are always the present ones."""

    mailbox_id: int
    account: str
    name: MailboxName
    messages: int
    octets: int
    special_use: str | None
    is_subscribed: bool | None
    attributes: frozenset[str]
    is_selectable: bool
    uidvalidity: int | None
    cursor: Cursor | None
    is_gone: bool


@dataclass(frozen=True, slots=True)
class PlacementView:
    """A message in a mailbox at some time; ``mailbox`` is the name it had then."""

    account: str
    mailbox: MailboxName
    uidvalidity: int
    uid: Uid
    uidl: str | None
    digest: Digest
    size: int
    internal_date: datetime | None
    flags: Flags
    message_id: str | None
    date: datetime | None
    from_: str | None
    subject: str | None
    first_seen: datetime
    gone_since: datetime | None
    labels: frozenset[str] | None = None

    @property
    def remote_id(self) -> str:
        return str(self.uid) if self.uidl is None else self.uidl


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message, and every placement it has or had."""

    digest: Digest
    size: int
    message_id: str | None
    date: datetime | None
    from_: str | None
    to: str | None
    cc: str | None
    subject: str | None
    attachments: tuple[Attachment, ...]
    placements: tuple[PlacementView, ...]


@dataclass(frozen=True, slots=True)
class RunMailboxView:
    mailbox: MailboxName
    arrived: int
    flags_changed: int
    expunged: int
    unreadable: int
    octets: int
    seconds: float
    error: str | None


@dataclass(frozen=True, slots=True)
class RunAccountView:
    """``finished_at`` is None when the run ended before the account did."""

    account: str
    finished_at: datetime | None
    error: str | None
    mailboxes: tuple[RunMailboxView, ...]


@dataclass(frozen=True, slots=True)
class RunView:
    """Mailboxes in which nothing happened are left out."""

    run: RunNumber
    started_at: datetime
    finished_at: datetime | None
    exit_code: int | None
    accounts: tuple[RunAccountView, ...]

    @property
    def is_interrupted(self) -> bool:
        """The run was killed, or is still under way."""
        return self.exit_code is None


@dataclass(frozen=True, slots=True)
class RunTimeView:
    """When a run began and ended, by the clock of then."""

    run: RunNumber
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class LastRunView:
    """The last run that an account came to the end of; ``exit_code`` is that of all of it."""

    account: str
    run: RunNumber
    started_at: datetime
    finished_at: datetime
    exit_code: int | None
    arrived: int
    octets: int


@dataclass(frozen=True, slots=True)
class PeriodView:
    """What became of an account's runs in a time, and what arrived in them."""

    account: str
    runs_well: int
    runs_failed: int
    arrived: int
    octets: int


@dataclass(frozen=True, slots=True)
class DebtView:
    account: str
    mailbox: MailboxName
    uidvalidity: int
    uid: Uid
    reason: str
    attempts: int
    owed_since: datetime


@dataclass(frozen=True, slots=True)
class SuspicionView:
    account: str
    mailbox: MailboxName | None
    run: RunNumber
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class JobView:
    """How a command that is no run of sync ended; ``account`` None means all of them."""

    kind: str
    account: str | None
    started_at: datetime
    finished_at: datetime
    exit_code: int
    checked: int
    octets: int
    detail: str


@dataclass(frozen=True, slots=True)
class EndingView:
    """Where a message lay until a run; ``mailbox`` is the last name. Renumbered is no end."""

    account: str
    mailbox: MailboxName
    gone_run: RunNumber
    is_expunged: bool


@dataclass(frozen=True, slots=True)
class ExpungedView:
    """A message that lies in no mailbox any more."""

    digest: Digest
    size: int
    subject: str | None
    date: datetime | None
    endings: tuple[EndingView, ...]


@dataclass(frozen=True, slots=True)
class AccountStatus:
    account: str
    protocol: str
    last_run: datetime | None
    last_success: datetime | None
    last_error: str | None
    messages: int
    octets: int
    debts: int
    suspicions: int


@dataclass(frozen=True, slots=True)
class Status:
    """``octets`` counts each distinct message once."""

    messages: int
    placements: int
    octets: int
    accounts: tuple[AccountStatus, ...]
