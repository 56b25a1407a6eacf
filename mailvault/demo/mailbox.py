"""The mail that the demonstration server serves: mailboxes whose messages come and go.

Plain state with the counters of IMAP (RFC 9051 2.3.1): UIDs that only grow, UIDVALIDITY,
mod-sequences (RFC 7162). Nothing here knows of sockets or of the protocol's syntax.
"""

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from mailvault.mail.model import Flag, Flags, MailboxName, Uid


@dataclass(frozen=True, slots=True)
class ServedMessage:
    """A message in a mailbox of the server."""

    uid: Uid
    octets: bytes
    flags: Flags
    internal_date: datetime
    modseq: int


@dataclass(frozen=True, slots=True, order=True)
class ServedPlacement:
    """What an archive should know of one served message; for comparing the two."""

    mailbox: str
    uidvalidity: int
    uid: int
    digest: str
    flags: tuple[str, ...]
    internal_date: datetime


@dataclass(slots=True)
class ServedMailbox:
    """A mailbox of the server; `messages` is in ascending order of UID."""

    name: MailboxName
    uidvalidity: int
    mailbox_id: str
    special_use: str | None = None
    is_subscribed: bool = True
    is_selectable: bool = True
    uidnext: int = 1
    highestmodseq: int = 1
    messages: dict[Uid, ServedMessage] = field(default_factory=dict)
    expunged: list[tuple[Uid, int]] = field(default_factory=list)

    def append(self, octets: bytes, *, flags: Iterable[str], internal_date: datetime) -> Uid:
        """Add a message under the next UID."""
        uid = Uid(self.uidnext)
        self.uidnext += 1
        self.highestmodseq += 1
        marked = frozenset(Flag(flag) for flag in flags)
        self.messages[uid] = ServedMessage(
            uid, octets, marked, internal_date, self.highestmodseq
        )
        return uid

    def set_flags(self, uid: Uid, flags: Iterable[str]) -> None:
        """Replace all flags of a message."""
        self.highestmodseq += 1
        self.messages[uid] = replace(
            self.messages[uid],
            flags=frozenset(Flag(flag) for flag in flags),
            modseq=self.highestmodseq,
        )

    def expunge(self, uid: Uid) -> ServedMessage:
        """Remove a message for good; its UID is never given again."""
        self.highestmodseq += 1
        self.expunged.append((uid, self.highestmodseq))
        return self.messages.pop(uid)

    def vanished_since(self, modseq: int) -> list[Uid]:
        """The UIDs expunged after a mod-sequence: RFC 7162 3.2.5.1."""
        return sorted(uid for uid, at in self.expunged if at > modseq)


class ServedAccount:
    """One user's mailboxes. Hold `lock` while reading or changing them."""

    def __init__(self, user: str, password: str) -> None:
        self.user = user
        self.password = password
        self.lock = threading.RLock()
        self._mailboxes: dict[MailboxName, ServedMailbox] = {}
        self._created = 0

    def mailboxes(self) -> list[ServedMailbox]:
        """All mailboxes, in the order of their names."""
        return [self._mailboxes[name] for name in sorted(self._mailboxes)]

    def find(self, name: MailboxName) -> ServedMailbox | None:
        return self._mailboxes.get(name)

    def mailbox(self, path: str) -> ServedMailbox:
        """The mailbox at a path with ``/`` between its levels."""
        return self._mailboxes[MailboxName.parse(path, "/")]

    def create(self, path: str, *, special_use: str | None = None) -> ServedMailbox:
        """Make an empty mailbox."""
        name = MailboxName.parse(path, "/")
        self._created += 1
        # RFC 9051 2.3.1.1: a mailbox made anew under an old name needs a higher UIDVALIDITY.
        mailbox = ServedMailbox(
            name,
            uidvalidity=1_700_000_000 + self._created,
            mailbox_id=f"demo-{self._created}",
            special_use=special_use,
        )
        self._mailboxes[name] = mailbox
        return mailbox

    def delete(self, path: str) -> None:
        del self._mailboxes[MailboxName.parse(path, "/")]

    def rename(self, old: str, new: str) -> None:
        """Give a mailbox another name; UIDVALIDITY and UIDs stay: RFC 9051 6.3.6."""
        mailbox = self._mailboxes.pop(MailboxName.parse(old, "/"))
        mailbox.name = MailboxName.parse(new, "/")
        self._mailboxes[mailbox.name] = mailbox

    def move(self, uid: Uid, source: ServedMailbox, target: ServedMailbox) -> Uid:
        """Take a message out of one mailbox and put it into another: RFC 6851."""
        message = source.expunge(uid)
        return target.append(
            message.octets, flags=message.flags, internal_date=message.internal_date
        )

    def placements(self) -> list[ServedPlacement]:
        """Everything served just now, in a form to compare an archive with."""
        with self.lock:
            return sorted(
                ServedPlacement(
                    mailbox=str(mailbox.name),
                    uidvalidity=mailbox.uidvalidity,
                    uid=message.uid,
                    digest=hashlib.sha256(message.octets).hexdigest(),
                    flags=tuple(sorted(message.flags)),
                    internal_date=message.internal_date,
                )
                for mailbox in self._mailboxes.values()
                for message in mailbox.messages.values()
            )

    def octets(self) -> int:
        """The octets of all messages, as often as they lie in a mailbox."""
        with self.lock:
            return sum(
                len(message.octets)
                for mailbox in self._mailboxes.values()
                for message in mailbox.messages.values()
            )
