"""Where mail is read from, and what the archive knows of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from mailvault.mail.model import (
    Batch,
    Cursor,
    Digest,
    Flags,
    Mailbox,
    RunNumber,
    Uid,
)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a server says of a message without sending it."""

    uid: Uid
    size: int
    internal_date: datetime | None
    message_id: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that the archive holds and believes to lie in a mailbox of the server."""

    uid: Uid
    digest: Digest
    size: int
    uidl: str | None


@dataclass(frozen=True, slots=True)
class Same:
    """A message that the archive holds, whatever mailbox it came from."""

    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Lying:
    """A message that lies in a mailbox, and how it is flagged."""

    uid: Uid
    flags: Flags


class Known(Protocol):
    """What the archive believes one mailbox of the server holds. Reading it takes no lock."""

    def uidvalidity(self) -> int | None:
        """The UIDVALIDITY of the newest placements; None while there are none."""
        ...

    def count(self) -> int:
        """How many messages are present under that UIDVALIDITY."""
        ...

    def highest(self) -> Uid:
        """The highest UID ever placed under that UIDVALIDITY; 0 while there is none."""
        ...

    def window(self, first: Uid, last: Uid) -> dict[Uid, Flags]:
        """The messages present with ``first <= uid <= last``, in ascending order."""
        ...

    def uids_after(self, uid: Uid, limit: int) -> list[Uid]:
        """The next present UIDs above ``uid``, ascending, at most ``limit``."""
        ...

    def kept(self, after: Uid, limit: int, *, until: RunNumber | None = None) -> list[Kept]:
        """The next present messages above ``after``, ascending, at most ``limit``.

        With ``until`` only those that were there by that run.
        """
        ...

    def owed(self) -> list[Uid]:
        """The messages that the server would not give, under the present UIDVALIDITY."""
        ...

    def returned(self, uids: Sequence[Uid]) -> dict[Uid, Digest]:
        """Those of ``uids`` once placed under this UIDVALIDITY, gone since, and their octets.

        A UID should never name another message (RFC 9051 2.3.1.1); some servers' do.
        """
        ...

    def has_earlier(self) -> bool:
        """Whether messages are present under a UIDVALIDITY before the newest one."""
        ...

    def holding(self, digests: Sequence[Digest]) -> dict[Digest, list[Lying]]:
        """Where messages with these octets are present in this mailbox, by ascending UID."""
        ...

    def by_email_id(self, ids: Sequence[str]) -> dict[str, Same]:
        """Messages of any mailbox of the account that the server calls by one of ``ids``."""
        ...

    def labels(self, uids: Sequence[Uid]) -> dict[Uid, frozenset[str]]:
        """Gmail's labels of those of ``uids`` for which any are known."""
        ...

    def fingerprints(self, first: Uid, last: Uid) -> dict[Uid, Fingerprint]:
        """What tells the messages present with ``first <= uid <= last`` from others."""
        ...

    def sample(self, limit: int) -> list[Fingerprint]:
        """Some present messages, spread over the mailbox, to tell it from another one."""
        ...

    def recognise(self, fingerprints: Sequence[Fingerprint]) -> dict[Uid, Digest]:
        """Settle messages of a new UIDVALIDITY with those placed under the one before.

        Only certain matches: Message-ID, size and INTERNALDATE equal, and unique.
        """
        ...


class Source(Protocol):
    """Where mail is read from. A context manager: leaving it ends the connection.

    One source serves one thread; an account's parallel connections are several sources.
    """

    def __enter__(self) -> "Source": ...

    def __exit__(self, *exception: object) -> None: ...

    def mailboxes(self) -> Sequence[Mailbox]:
        """List the mailboxes that the account's globs select, with their state if cheap."""
        ...

    def is_level(self, mailbox: Mailbox, since: Cursor | None, known: Known) -> bool:
        """Whether the listing alone proves that nothing happened. Asks the server nothing."""
        ...

    def changes(self, mailbox: Mailbox, since: Cursor | None, known: Known) -> Iterator[Batch]:
        """Yield what happened after ``since``, oldest first; everything if None.

        Batches are small (some MiB at most in memory); the last one is complete. A cursor
        the server no longer honours is treated as None.

        Raises:
            SourceError: batches already yielded remain valid.
        """
        ...

    def count_new(self, mailbox: Mailbox, since: Cursor | None, known: Known) -> int:
        """How many messages `changes` would ask for. Downloads none."""
        ...

    def is_same_mailbox(self, mailbox: Mailbox, since: Cursor, known: Known) -> bool:
        """Whether ``mailbox``, which has a new name, is the one ``since`` was written for."""
        ...


@runtime_checkable
class Sharing(Protocol):
    """A source whose server may name a message over all mailboxes that hold it."""

    def names_messages(self) -> bool:
        """Whether it does. Then one mailbox after the other saves downloads."""
        ...
