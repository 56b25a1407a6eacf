"""The seams of mailvault: what a source, a destination, a content store and a clock must do.

Read this page first. Operations know only these protocols and the archive; `wiring` picks
the classes behind them. Every implementation passes the suite of its seam in
`tests/contract`, the fakes too.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from mailvault.mail.changes import Record
from mailvault.mail.delivery import (
    Delivery,
    Letter,
    OpenMailbox,
    Served,
    TargetMailbox,
    WantedMailbox,
)
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

        A UID never names another message (RFC 9051 2.3.1.1), so these need no download.
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


@dataclass(frozen=True, slots=True)
class Sought:
    """A message that the archive had from a mailbox, and has lost: what names it there."""

    digest: Digest
    uidvalidity: int
    uid: Uid
    uidl: str | None
    message_id: str | None


@runtime_checkable
class Refetching(Protocol):
    """A source that can give single messages again.

    What it gives may be another message than the one that is sought: whoever asks compares
    digests, and discards what he does not keep.
    """

    def by_name(self, mailbox: Mailbox, sought: Sequence[Sought]) -> Iterator[Octets]:
        """Give what the server keeps under the same UID and UIDVALIDITY, or UIDL."""
        ...

    def by_message_id(self, mailbox: Mailbox, sought: Sequence[Sought]) -> Iterator[Octets]:
        """Give what the server finds by Message-ID; nothing where it cannot search."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A message as its server lists it; None where that says nothing to be believed.

    ``is_news``: it may have come after the archive was last brought level. One without a
    name cannot be told from others without reading it.
    """

    remote_id: str
    uid: Uid | None = None
    uidl: str | None = None
    number: int | None = None
    size: int | None = None
    flags: Flags | None = None
    is_news: bool = False
    is_named: bool = True


@dataclass(frozen=True, slots=True)
class Comparison:
    """One message: as the server lists it, and as the archive believes it lies there."""

    listed: Listed | None
    kept: Kept | None


@dataclass(frozen=True, slots=True)
class Reread:
    """A message read once more, or why the server would not give it."""

    listed: Listed
    octets: Octets | None
    problem: str | None = None


@runtime_checkable
class Inspecting(Protocol):
    """A source that compares its server with the archive. Changes nothing anywhere.

    What `compare` yields has been read from the server to its end, so that `reread` may be
    called in between. Both raise SourceError.
    """

    def everything(self) -> Sequence[Mailbox]:
        """All mailboxes of the account, whatever its globs select."""
        ...

    def is_renumbered(self, mailbox: Mailbox, known: Known) -> bool:
        """Whether the numbers that the archive has mean nothing to the server any more."""
        ...

    def compare(
        self, mailbox: Mailbox, since: Cursor | None, known: Known
    ) -> Iterator[Comparison]:
        """Match every message on the server, and every one the archive has from there."""
        ...

    def reread(self, mailbox: Mailbox, wanted: Sequence[Listed]) -> Iterator[Reread]:
        """Read messages of the mailbox that is being compared; what is gone is left out."""
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


@runtime_checkable
class Resumable(Protocol):
    """A destination that knows which messages an earlier export left there."""

    def holds(
        self, mailbox: MailboxName, digest: Digest, internal_date: datetime | None
    ) -> bool:
        """Whether one more copy is there. It says so once for each; the next is another."""
        ...


class RemoteDestination(Destination, Protocol):
    """A destination that can be asked what it holds. One serves one thread.

    Everything but `Destination`'s methods and `deliver` leaves the target as it is. After
    ConnectionLost an instance is of no more use.
    """

    def __enter__(self) -> "RemoteDestination": ...

    @property
    def identity(self) -> str:
        """What names the target from one restore to the next: kind, host and user."""
        ...

    @property
    def takes_several(self) -> bool:
        """Whether letters that are sent together are stored all or none, at one go."""
        ...

    def assign(self, wanted: Sequence[WantedMailbox], *, making: bool) -> list[TargetMailbox]:
        """Find or, if ``making``, make a place for each; different ones stay apart."""
        ...

    def open(self, path: str) -> OpenMailbox:
        """Look into a mailbox: what follows is about it. Raises ServerRefused."""
        ...

    def make_again(self, path: str) -> None:
        """Make a mailbox that went away meanwhile. Raises DestinationError."""
        ...

    @property
    def takes_utf8(self) -> bool:
        """Whether `deliver_utf8` may succeed where `deliver` did not."""
        ...

    def deliver_utf8(self, path: str, letter: Letter) -> Delivery:
        """Send a message whose header is in UTF-8, saying so."""
        ...

    def uids(self) -> Sequence[Uid]:
        """All messages of the open mailbox, in ascending order."""
        ...

    def glance(self, uids: Sequence[Uid]) -> Iterator[Fingerprint]:
        """Sizes and dates, without Message-IDs."""
        ...

    def fingerprints(self, uids: Sequence[Uid]) -> Iterator[Fingerprint]: ...

    def fetch(self, uids: Sequence[Uid]) -> Iterator[Served]:
        """Give messages back, in bounded memory; those that are gone are left out."""
        ...

    def deliver(self, path: str, parcels: Iterable[Sequence[Letter]]) -> Iterator[Delivery]:
        """Send parcels one after the other without waiting; yield how each fared, in order.

        Raises:
            ConnectionLost: what was not yielded yet may be stored or not.
        """
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


@dataclass(frozen=True, slots=True)
class Waste:
    """What only forgotten messages take in a store, in octets on disk."""

    objects: int
    octets: int
    reclaimable: int
    """Of these, what `Reclaiming.reclaim` would give back now."""


@runtime_checkable
class Reclaiming(Protocol):
    """A content store that can give back the room of messages nobody needs any more.

    ``forgotten`` are messages that the catalog does not know any more; ``is_kept`` says of
    any digest whether the catalog knows it, for a part of a forgotten message may be a
    message of its own. Parts that another message has stay, whether it is known or not.
    """

    def waste(self, forgotten: Collection[Digest], is_kept: Callable[[Digest], bool]) -> Waste:
        """Measure it. Changes nothing. Raises ArchiveDamaged if it cannot be known."""
        ...

    def reclaim(self, forgotten: Collection[Digest], is_kept: Callable[[Digest], bool]) -> int:
        """Give room back, and return how many octets. Killed anywhere, it can be repeated.

        Nothing else is lost at any moment, and readers go on reading. A store may leave
        messages where they are, as long as that is worth less than the work.
        """
        ...


@runtime_checkable
class Salvaging(Protocol):
    """A content store that can be made whole again in its structure."""

    def salvage(self, set_aside: Path) -> Iterator[str]:
        """Replace each broken file by one with all that can be read of it.

        The broken ones are kept in the folder ``set_aside``, whose name is free. Says what
        was done, a line for each file. Messages that are lost are then missing, or damaged.
        Killed anywhere, it can be repeated.
        """
        ...

    def orphans(self, is_kept: Callable[[Digest], bool]) -> Iterator[Digest]:
        """Messages that ``is_kept`` does not know and that are no part of one it knows."""
        ...


class Clock(Protocol):
    """Time as a parameter, so that tests own it."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None: ...
