"""What a restore was asked for and what it did: options in, report out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailvault.errors import MailvaultError, UsageError
from mailvault.mail.model import Digest, Flags, MailboxName
from mailvault.operations.reports import INCOMPLETE
from mailvault.operations.selection import Selection
from mailvault.operations.verify import DAMAGED
from mailvault.ports import Clock, Destination
from mailvault.transport.allowance import Allowance


class ReadBack(StrEnum):
    """Which of the messages that were appended are fetched again and compared."""

    SOME = "some"  # all up to `READ_BACK_ALL`, else a sample
    ALL = "all"
    NONE = "none"


READ_BACK_ALL = 1000
"""Messages in a mailbox; of a larger restore so many are fetched again, evenly spread."""


class MailboxMap:
    """Where mailboxes go: ``OLD=NEW``, in which one ``*`` may stand for anything.

    An exact name beats a pattern; of several patterns the first that matches counts.
    """

    def __init__(self, rules: Sequence[str] = ()) -> None:
        """Raises UsageError for what is no rule."""
        self._exact: dict[str, str] = {}
        self._patterns: list[tuple[re.Pattern[str], str]] = []
        for rule in rules:
            self._add(rule)

    def _add(self, rule: str) -> None:
        old, equals, new = rule.partition("=")
        if not equals or not old or not new or old.count("*") > 1 or new.count("*") > 1:
            raise _no_rule(rule)
        if "*" not in old:
            if "*" in new:
                raise _no_rule(rule)
            self._exact[str(MailboxName.parse(old, "/"))] = new
            return
        start, _, end = old.partition("*")
        pattern = f"{re.escape(start)}(.*){re.escape(end)}"
        self._patterns.append((re.compile(pattern, re.DOTALL), new))

    def target(self, name: MailboxName) -> MailboxName | None:
        """The name that a rule gives; None if no rule speaks of it."""
        text = str(name)
        if text in self._exact:
            return MailboxName.parse(self._exact[text], "/")
        for pattern, new in self._patterns:
            if found := pattern.fullmatch(text):
                return MailboxName.parse(new.replace("*", found[1]), "/")
        return None


def _no_rule(rule: str) -> UsageError:
    return UsageError(
        f"--map {rule}: is not a rule",
        hint="write OLD=NEW, or with one * on either side: --map '*=Old mail/*'",
    )


EVERYTHING = Selection()
UNMAPPED = MailboxMap()


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOptions:
    """``target_account`` is the target's name in the archive, should it know it.

    ``rejects`` takes what the target refuses. With ``once``, what an earlier restore put
    there is not put there again, though somebody has moved or deleted it since.
    ``allowance`` is what may be sent; None: as much as the target takes.
    """

    clock: Clock
    selection: Selection = EVERYTHING
    mapping: MailboxMap = UNMAPPED
    target_account: str | None = None
    dry_run: bool = False
    rejects: Destination | None = None
    fix: bool = False
    once: bool = False
    allowance: Allowance | None = None
    read_back: ReadBack = ReadBack.SOME
    connections: int = 3


@dataclass(frozen=True, slots=True)
class RestoredMailbox:
    """What of a mailbox is on the target. ``target`` is None if it has no place there.

    In a dry run ``appended`` counts what would be.
    """

    mailbox: MailboxName
    target: MailboxName | None
    present: int = 0
    appended: int = 0
    octets: int = 0
    refused: int = 0
    seconds: float = 0.0
    error: MailvaultError | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that is not on the target, and why. ``is_damage``: the archive's fault."""

    digest: Digest
    mailbox: MailboxName
    reason: str
    is_damage: bool = False


@dataclass(frozen=True, slots=True)
class Alteration:
    """A message that the target keeps in another form than it was given.

    ``is_known``: all of it is explained by what servers are known to do.
    """

    digest: Digest
    mailbox: MailboxName
    how: str
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class FlagsCut:
    """Flags that the target does not keep, on so many messages."""

    mailbox: MailboxName
    flags: Flags
    messages: int


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """``notes`` are for people: names that were mapped, what the server cannot do."""

    mailboxes: tuple[RestoredMailbox, ...] = ()
    refused: tuple[Refusal, ...] = ()
    altered: tuple[Alteration, ...] = ()
    flags_cut: tuple[FlagsCut, ...] = ()
    notes: tuple[str, ...] = ()
    read_back: int = 0
    is_dry_run: bool = False
    error: MailvaultError | None = None

    @property
    def exit_code(self) -> int:
        errors = [each.error for each in self.mailboxes if each.error] + (
            [self.error] if self.error else []
        )
        codes = [error.exit_code for error in errors]
        if any(refusal.is_damage for refusal in self.refused):
            codes.append(DAMAGED)
        if self.refused or any(not each.is_known for each in self.altered):
            codes.append(INCOMPLETE)
        return max(codes, default=0)
