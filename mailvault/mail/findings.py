"""What was found to import below a path: mailboxes, what they lie in, and what is no mail."""

from dataclasses import dataclass

from mailvault.mail.model import MailboxName

FILES = "files"
"""The protocol of accounts that hold imported mail, in the archive's records."""


@dataclass(frozen=True, slots=True)
class FoundMailbox:
    """``messages`` is None where nothing has been read that would tell."""

    name: MailboxName
    kinds: tuple[str, ...]
    paths: tuple[str, ...]
    messages: int | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is not taken, although it might hold mail."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Findings:
    """``others`` counts the files that are no mail."""

    mailboxes: tuple[FoundMailbox, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    others: int = 0
