"""What `verify --remote` finds out, and how the command ends for it."""

from dataclasses import dataclass
from enum import StrEnum

from mailvault.errors import MailvaultError
from mailvault.mail.model import MailboxName
from mailvault.operations.reports import INCOMPLETE
from mailvault.operations.verify import DAMAGED, VerifyFinding


class RemoteKind(StrEnum):
    """What can be wrong with a message or a mailbox of the server."""

    ABSENT = "absent"  # on the server and not in the archive
    OWED = "owed"  # the same, and a debt says why
    UNNAMED = "unnamed"  # cannot be told from others without reading it
    UNSELECTED = "unselected"  # a mailbox that the account's globs leave out
    RENUMBERED = "renumbered"  # the server numbers the mailbox anew
    FLAGS = "flags"  # other flags than the archive was told
    SIZE = "size"  # another size, and it was not read
    UNREADABLE = "unreadable"  # the server would not give it to compare
    DIFFERENT = "different"  # the server has other octets than the archive
    MISSING = "missing"  # in the catalog and not in the content
    DAMAGED = "damaged"  # the archive cannot give it back


OF_CHOICE = frozenset({RemoteKind.UNSELECTED})
"""What the configuration wants so: listed, and no reason to worry."""

OF_OCTETS = frozenset({RemoteKind.DIFFERENT, RemoteKind.MISSING, RemoteKind.DAMAGED})


@dataclass(frozen=True, slots=True)
class RemoteMailbox:
    """The numbers of one mailbox. ``on_server`` None: it was not listed, or not looked into.

    ``absent`` counts everything on the server that is not in the archive, debts included;
    ``gone`` what the archive believes to be there and the server no longer has.
    """

    mailbox: MailboxName
    is_selected: bool = True
    on_server: int | None = None
    in_archive: int = 0
    matched: int = 0
    absent: int = 0
    gone: int = 0
    flags: int = 0
    read: int = 0
    octets: int = 0
    different: int = 0
    error: MailvaultError | None = None


@dataclass(frozen=True, slots=True)
class RemoteAccount:
    """How one account compares. ``findings`` name at most so many of each mailbox."""

    name: str
    mailboxes: tuple[RemoteMailbox, ...] = ()
    findings: tuple[VerifyFinding, ...] = ()
    error: MailvaultError | None = None

    @property
    def is_complete(self) -> bool:
        """Whether everything that is selected on the server is in the archive."""
        kinds = {finding.kind for finding in self.findings} - OF_CHOICE
        has_failed = self.error is not None or any(each.error for each in self.mailboxes)
        return not kinds and not has_failed

    @property
    def exit_code(self) -> int:
        if self.error is not None:
            return self.error.exit_code
        if any(finding.kind in OF_OCTETS for finding in self.findings):
            return DAMAGED
        return 0 if self.is_complete else INCOMPLETE


@dataclass(frozen=True, slots=True)
class RemoteReport:
    accounts: tuple[RemoteAccount, ...]

    @property
    def checked(self) -> int:
        return sum(box.matched for each in self.accounts for box in each.mailboxes)

    @property
    def octets(self) -> int:
        return sum(box.octets for each in self.accounts for box in each.mailboxes)

    @property
    def exit_code(self) -> int:
        return max((account.exit_code for account in self.accounts), default=0)
