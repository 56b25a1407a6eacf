"""What some sources can do besides: delete, fetch again, compare."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from mailvault.mail.model import (
    Batch,
    Cursor,
    Digest,
    Flags,
    Mailbox,
    Octets,
    Uid,
)
from mailvault.ports.sources import Kept, Known


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
        """Whether another pass may bring more: some servers show a part at a time.

        Asked once after each pass; to tell, the source may begin another session.
        """
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
