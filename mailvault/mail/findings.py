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
    """Something that is not taken, and why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What an import found.

    ``left_out`` are files that might hold mail, ``unreadable`` messages and whatever else could
    not be read, of which ``more`` are not listed. ``others`` counts the files that are no mail.
    """

    mailboxes: tuple[FoundMailbox, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    unreadable: tuple[LeftOut, ...] = ()
    more: int = 0
    others: int = 0
