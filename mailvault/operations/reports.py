"""What operations tell of themselves: reports at the end, progress on the way."""

from dataclasses import dataclass
from typing import Protocol

from mailvault.errors import MailvaultError
from mailvault.mail.model import MailboxName, RunNumber

INCOMPLETE = 3
"""Exit code of a run that is done but owes something or is suspicious."""


@dataclass(frozen=True, slots=True)
class MailboxReport:
    """What one pass over a mailbox changed, and what is wrong with it."""

    mailbox: MailboxName
    arrived: int = 0
    flags_changed: int = 0
    expunged: int = 0
    unreadable: int = 0
    octets: int = 0
    seconds: float = 0.0
    error: MailvaultError | None = None
    suspicion: str | None = None
    deleted_on_server: int = 0
    deletion_refusal: str | None = None


@dataclass(frozen=True, slots=True)
class AccountReport:
    name: str
    mailboxes: tuple[MailboxReport, ...] = ()
    error: MailvaultError | None = None
    suspicion: str | None = None
    debts: int = 0
    unaccepted: int = 0
    """Suspicions of earlier runs that nobody has accepted yet."""

    @property
    def ok(self) -> bool:
        return self.error is None and all(each.error is None for each in self.mailboxes)

    @property
    def exit_code(self) -> int:
        if self.error is not None:
            return self.error.exit_code
        suspicious = self.suspicion or any(each.suspicion for each in self.mailboxes)
        refused = any(each.deletion_refusal for each in self.mailboxes)
        return INCOMPLETE if suspicious or refused or self.debts or not self.ok else 0

    @property
    def deleted_on_server(self) -> int:
        return sum(each.deleted_on_server for each in self.mailboxes)


@dataclass(frozen=True, slots=True)
class SyncReport:
    """``run`` is None for a dry run, which is no run at all."""

    run: RunNumber | None
    accounts: tuple[AccountReport, ...]

    @property
    def exit_code(self) -> int:
        """When several accounts fail, the highest code wins."""
        return max((account.exit_code for account in self.accounts), default=0)


class Progress(Protocol):
    """Told of what happens while it happens. Every call is cheap and none may fail."""

    def expect(self, messages: int) -> None:
        """About so many more messages will be stored."""
        ...

    def mailbox(self, account: str, name: MailboxName, messages: int | None) -> None:
        """Work on a mailbox begins; ``messages`` is what the server says it holds."""
        ...

    def stored(self, messages: int, octets: int) -> None: ...

    def done(self, account: str, name: MailboxName) -> None: ...


class Silent:
    """Progress nobody looks at."""

    def expect(self, messages: int) -> None:
        pass

    def mailbox(self, account: str, name: MailboxName, messages: int | None) -> None:
        pass

    def stored(self, messages: int, octets: int) -> None:
        pass

    def done(self, account: str, name: MailboxName) -> None:
        pass
