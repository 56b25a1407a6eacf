"""Mail written to an IMAP server: mailboxes found or made, messages appended, nothing else.

Looking is done with EXAMINE and BODY.PEEK[]; nothing on the server is altered or removed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Self

from mailvault.destinations.imap_denials import denial_of
from mailvault.destinations.imap_places import Places, wire
from mailvault.errors import ConnectionLost, DestinationError
from mailvault.mail.delivery import (
    Delivery,
    Letter,
    OpenMailbox,
    Served,
    TargetMailbox,
    WantedMailbox,
)
from mailvault.mail.model import Digest, Flag, Flags, MailboxName, Octets, Uid
from mailvault.ports import Fingerprint
from mailvault.protocols.imap import utf7
from mailvault.protocols.imap.uidset import UidSet
from mailvault.protocols.imap.writing import Appended
from mailvault.transport.imap_append import AppendAnswer, ImapWriter

FETCH_OCTETS = 2 << 20
FETCH_MESSAGES = 100
AT_ONCE = 5_000
"""UIDs whose sizes are asked for by one command."""

_ANY_KEYWORD = Flag("\\*")


class ImapDestination:
    """One connection to a target. A context manager: leaving it logs out."""

    def __init__(self, connect: Callable[[], ImapWriter], identity: str) -> None:
        self.identity = identity
        self._connect = connect
        self._live: ImapWriter | None = None
        self._places: Places | None = None
        self._made: dict[MailboxName, TargetMailbox] = {}
        self._opened: tuple[str, int] | None = None  # path and UIDVALIDITY

    def __enter__(self) -> Self:
        self._live = self._connect()
        return self

    def __exit__(self, *exception: object) -> None:
        client, self._live = self._live, None
        if client is None:
            return
        if not any(exception):
            client.logout()
        else:
            client.abort()

    @property
    def _client(self) -> ImapWriter:
        if self._live is None:
            raise ConnectionLost(f"{self.identity}: the connection is closed")
        return self._live

    @property
    def takes_several(self) -> bool:
        return self._client.offers("MULTIAPPEND")

    @property
    def takes_utf8(self) -> bool:
        return self._client.offers("UTF8=ACCEPT", "ENABLE")

    def create(self, mailbox: MailboxName) -> None:
        """Raises DestinationError if the server will not have it."""
        self._place(mailbox)

    def append(
        self,
        mailbox: MailboxName,
        octets: Octets,
        *,
        flags: Flags,
        internal_date: datetime | None,
    ) -> None:
        """Raises DestinationError if the server will not have it."""
        letter = Letter(Digest.of(b""), octets, flags, internal_date)
        (delivery,) = self.deliver(self._place(mailbox), [[letter]])
        if delivery.denial is not None:
            raise DestinationError(f"{mailbox}: {delivery.reason}")

    def _place(self, mailbox: MailboxName) -> str:
        if mailbox not in self._made:
            self._places = self._places or Places(self._client, making=True)
            (self._made[mailbox],) = self._places.assign([WantedMailbox(mailbox)])
        place = self._made[mailbox]
        if place.path is None:
            raise DestinationError(f"{mailbox} cannot be made: {place.note}")
        return place.path

    def assign(self, wanted: Sequence[WantedMailbox], *, making: bool) -> list[TargetMailbox]:
        return Places(self._client, making=making).assign(wanted)

    def open(self, path: str) -> OpenMailbox:
        """Open read-only. Raises ServerRefused."""
        name = self._wire(path)
        flags = self._client.permanent_flags(name)
        largest, room = self._client.append_limit(name), self._client.quota_room(name)
        selected = self._client.examine(name)
        self._opened = path, selected.state.uidvalidity or 0
        return OpenMailbox(
            uidvalidity=self._opened[1],
            uidnext=selected.state.uidnext,
            messages=selected.exists,
            keeps=None if flags is None else flags - {_ANY_KEYWORD},
            keeps_any_keyword=flags is not None and _ANY_KEYWORD in flags,
            largest=largest,
            room=room,
        )

    def make_again(self, path: str) -> None:
        answer = self._client.create(self._wire(path))
        if not answer.is_ok:
            raise DestinationError(f"{path} went away and cannot be made again: {answer.said}")

    def _look(self) -> None:
        """See the mailbox as it is now: some servers tell what is new only when asked."""
        if self._client.is_selected or self._opened is None:
            self._client.noop()
            return
        path, uidvalidity = self._opened
        if (self._client.examine(self._wire(path)).state.uidvalidity or 0) != uidvalidity:
            raise ConnectionLost(f"{path} was replaced by another mailbox")

    def uids(self) -> Sequence[Uid]:
        self._look()
        return list(self._client.search_uids(Uid(1)))

    def glance(self, uids: Sequence[Uid]) -> Iterator[Fingerprint]:
        self._look()
        return self._glances(uids)

    def _glances(self, uids: Sequence[Uid]) -> Iterator[Fingerprint]:
        for some in UidSet.of(uids).split(AT_ONCE):
            for each in self._client.fetch_sizes(some):
                yield Fingerprint(each.uid, each.size or 0, each.internal_date, None)

    def fingerprints(self, uids: Sequence[Uid]) -> Iterator[Fingerprint]:
        self._look()
        for some in UidSet.of(uids).split(AT_ONCE):
            for each in self._client.fetch_fingerprints(some):
                yield Fingerprint(each.uid, each.size or 0, each.internal_date, each.message_id)

    def fetch(self, uids: Sequence[Uid]) -> Iterator[Served]:
        self._look()
        for answer in self._client.fetch_bodies(self._portions(uids), depth=2):
            for message in answer.messages:
                yield Served(message.uid, message.body, message.flags, message.internal_date)

    def _portions(self, uids: Sequence[Uid]) -> list[UidSet]:
        """Sets of which one can be held in memory."""
        portions: list[list[Uid]] = [[]]
        size = 0
        for each in sorted(self._glances(uids), key=lambda seen: seen.uid):
            if portions[-1] and (
                size + each.size > FETCH_OCTETS or len(portions[-1]) >= FETCH_MESSAGES
            ):
                portions.append([])
                size = 0
            portions[-1].append(each.uid)
            size += each.size
        return [UidSet.of(portion) for portion in portions if portion]

    def deliver(self, path: str, parcels: Iterable[Sequence[Letter]]) -> Iterator[Delivery]:
        sent: list[Sequence[Letter]] = []

        def noted() -> Iterator[list[Appended]]:
            for parcel in parcels:
                sent.append(parcel)
                yield [Appended(one.octets, one.flags, one.internal_date) for one in parcel]

        self._client.leave()  # Courier appends to no mailbox that is open read-only
        for answer in self._client.append(self._wire(path), noted()):
            yield _delivery(sent.pop(0), answer)

    def deliver_utf8(self, path: str, letter: Letter) -> Delivery:
        """Send a message whose header is in UTF-8, saying so (RFC 6855 4)."""
        if "UTF8=ACCEPT" not in self._client.enabled:
            self._client.accept_utf8()
        appended = Appended(letter.octets, letter.flags, letter.internal_date)
        (answer,) = self._client.append(self._wire(path), [[appended]], is_utf8=True)
        return _delivery([letter], answer)

    def _wire(self, path: str) -> bytes:
        """The name on the wire; in UTF-8 once that was agreed (RFC 6855 3)."""
        if self._client.enabled.isdisjoint({"UTF8=ACCEPT", "IMAP4REV2"}):
            return wire(path)
        return utf7.decode(wire(path)).encode()


def _delivery(letters: Sequence[Letter], answer: AppendAnswer) -> Delivery:
    if answer.answer.is_ok:
        return Delivery(letters, answer.uidvalidity, answer.uids)
    return Delivery(
        letters,
        denial=denial_of(answer.answer),
        reason=answer.answer.said,
        retry_after=answer.answer.retry_after,
    )
