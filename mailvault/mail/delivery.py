"""Mail on its way to a server: where it goes, what is sent, how it fared. Values only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from mailvault.mail.model import RECENT, Digest, Flags, MailboxName, Octets, Uid

# RFC 9051 9, flag: an atom, with a backslash in front or not.
_FLAG = re.compile(r"\\?[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+")


def is_flag(text: str) -> bool:
    """Whether a flag can be said to a server."""
    return _FLAG.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class WantedMailbox:
    """A mailbox that mail is to be put into.

    ``is_exact``: the name is the target's own, and neither prefix nor use change it.
    ``is_chosen``: a person chose the name, and no other of the same use will do.
    ``remembered`` is what an earlier restore put it into, as that target wrote it.
    """

    name: MailboxName
    special_use: str | None = None
    is_subscribed: bool | None = None
    is_exact: bool = False
    is_chosen: bool = False
    remembered: str | None = None


@dataclass(frozen=True, slots=True)
class TargetMailbox:
    """Where a wanted mailbox goes. ``path`` is the name as the target writes it.

    ``path`` is None if there is no place for it, and ``note`` then says why; else the note
    says how the name differs from the wanted one, if it does. ``is_new``: it was not there.
    """

    name: MailboxName
    path: str | None
    note: str | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class OpenMailbox:
    """A target mailbox as it is now. ``keeps`` are the flags it stores; None: not known.

    ``largest`` and ``room`` are octets that one message may have, and that still fit.
    """

    uidvalidity: int
    uidnext: int | None
    messages: int
    keeps: Flags | None = None
    keeps_any_keyword: bool = False
    largest: int | None = None
    room: int | None = None

    def kept(self, flags: Flags) -> Flags:
        """Those flags that the mailbox will store, as far as is known."""
        sayable = {flag for flag in flags if flag != RECENT and is_flag(flag)}
        if self.keeps is None:
            return frozenset(sayable)
        known = {flag.lower() for flag in self.keeps}
        return frozenset(
            flag
            for flag in sayable
            if flag.lower() in known or (self.keeps_any_keyword and not flag.startswith("\\"))
        )


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way to a target."""

    digest: Digest
    octets: Octets
    flags: Flags
    internal_date: datetime | None


class Denial(Enum):
    """Why a target would not take a message."""

    OTHER = "refused"
    TOO_LARGE = "too large"
    NO_ROOM = "no room"
    NO_MAILBOX = "no mailbox"
    NOT_NOW = "not now"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the letters that were sent together fared: all were taken, or none.

    ``uids`` are theirs, in the same order; None where the target does not tell.
    """

    letters: Sequence[Letter]
    uidvalidity: int | None = None
    uids: Sequence[Uid] | None = None
    denial: Denial | None = None
    reason: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """A message as the target gives it back; None for what was not asked or not told."""

    uid: Uid
    octets: Octets | None
    flags: Flags | None
    internal_date: datetime | None
