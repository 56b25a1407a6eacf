"""Where mail is written to: files, and servers that can be asked what they hold."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from mailvault.mail.delivery import (
    Delivery,
    Letter,
    OpenMailbox,
    Served,
    TargetMailbox,
    WantedMailbox,
)
from mailvault.mail.model import (
    Digest,
    Flags,
    MailboxName,
    Octets,
    Uid,
)
from mailvault.ports.sources import Fingerprint


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
