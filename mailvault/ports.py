"""The seams of mailvault: what a source, a destination, a content store and a clock must do.

Read this page first. Operations know only these protocols and the archive; `wiring` picks
the classes behind them. Every implementation passes the suite of its seam in
`tests/contract`, the fakes too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from mailvault.mail.changes import Record
from mailvault.mail.model import (
    Batch,
    Cursor,
    Digest,
    Flags,
    Mailbox,
    MailboxName,
    Octets,
    RunNumber,
    Uid,
)
from mailvault.mail.outline import Outline


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

        A UID never names another message (RFC 9051 2.3.1.1), so these need no download.
        """
        ...

    def has_earlier(self) -> bool:
        """Whether messages are present under a UIDVALIDITY before the newest one."""
        ...

    def by_email_id(self, ids: Sequence[str]) -> dict[str, Same]:
        """Messages of any mailbox of the account that the server calls by one of ``ids``."""
        ...

    def labels(self, uids: Sequence[Uid]) -> dict[Uid, frozenset[str]]:
        """Gmail's labels of those of ``uids`` for which any are known."""
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


@dataclass(frozen=True, slots=True)
class Proven:
    """A message just read back from the archive's disk and hashed; ``head`` is its header."""

    kept: Kept
    uidvalidity: int
    head: bytes


@runtime_checkable
class Deleting(Protocol):
    """A source that can delete on the server what the archive holds.

    The order is the promise: `listed`, then every message is read back, then `certain`,
    then `intend` is made durable, and only then `remove`.
    """

    def refusal(self, mailbox: Mailbox) -> str | None:
        """Say why nothing may be deleted there; None if it may."""
        ...

    def listed(self, mailbox: Mailbox, wanted: Sequence[Kept]) -> list[Kept]:
        """Those of ``wanted`` that the server still has, as far as is known without asking."""
        ...

    def certain(self, mailbox: Mailbox, proven: Sequence[Proven]) -> list[Uid]:
        """Ask the server, and give those that it has under their name and that are the same."""
        ...

    def intend(
        self, mailbox: Mailbox, uids: Sequence[Uid], since: Cursor | None
    ) -> Batch | None:
        """What to write down before deleting, so that the next session can settle a doubt.

        ``since`` is the cursor that holds now.
        """
        ...

    def remove(self, mailbox: Mailbox, uids: Sequence[Uid]) -> Batch:
        """Delete; give what certainly is gone then. Raises SourceError before anything is."""
        ...

    def has_more(self, mailbox: Mailbox) -> bool:
        """Whether another pass may bring more: some servers show a part at a time."""
        ...


class Destination(Protocol):
    """Where mail is written to. A context manager: leaving it makes everything durable."""

    def __enter__(self) -> "Destination": ...

    def __exit__(self, *exception: object) -> None: ...

    def create(self, mailbox: MailboxName) -> None:
        """Make a mailbox, unless it is there: an empty one is worth keeping too."""
        ...

    def append(
        self,
        mailbox: MailboxName,
        octets: Octets,
        *,
        flags: Flags,
        internal_date: datetime | None,
    ) -> None:
        """Add a message with its exact octets. Never overwrites, never removes."""
        ...


class Prepared(Protocol):
    """A message made ready for a content store: hashed, taken apart, compressed."""

    @property
    def digest(self) -> Digest: ...

    @property
    def size(self) -> int:
        """Octets of the message."""
        ...

    @property
    def outline(self) -> Outline | None:
        """For the index; None for a message the store held already."""
        ...


class Finding(Protocol):
    """One thing that is wrong with stored content."""

    @property
    def kind(self) -> str: ...

    @property
    def digest(self) -> Digest | None: ...

    @property
    def detail(self) -> str: ...


class ContentStore(Protocol):
    """Where octets live. Content is written once and never changed.

    ``prepare`` may run in any thread; everything that stages or commits, in one.
    """

    def prepare(self, octets: Octets) -> Prepared:
        """Hash, take apart and compress a message: the work that needs no order."""
        ...

    def put(self, prepared: Prepared) -> None:
        """Stage a message for the next commit; one that is stored and sound costs nothing."""
        ...

    def record(self, records: Sequence[Record]) -> None:
        """Tell the store what is about to be journalled, so that it can place its files."""
        ...

    def commit(self) -> None:
        """Make everything staged durable before returning."""
        ...

    def rollback(self) -> None:
        """Forget everything staged."""
        ...

    def get(self, digest: Digest) -> Octets:
        """Give back the exact octets, hashed on the way.

        Raises:
            MessageMissing: the store does not hold them.
            ArchiveDamaged: what it holds is not what was stored.
        """
        ...

    def prove(self, digest: Digest) -> int:
        """Read and hash a message in bounded memory; return its octets. From any thread.

        Raises as `get` does.
        """
        ...

    def forget(self) -> None:
        """Drop what is held in memory: what is read next comes from the disk."""
        ...

    def outline(self, digest: Digest) -> Outline:
        """The text of a message without its lifted parts. Raises as `get` does."""
        ...

    def __contains__(self, digest: Digest) -> bool: ...

    def digests(self) -> Iterator[Digest]:
        """All messages and lifted parts, in no particular order."""
        ...

    def stored_octets(self) -> int:
        """Octets on disk."""
        ...

    def check(self) -> Iterator[Finding]:
        """Look for damage to the structure, without reading all content."""
        ...

    def close(self) -> None: ...


class Clock(Protocol):
    """Time as a parameter, so that tests own it."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None: ...
