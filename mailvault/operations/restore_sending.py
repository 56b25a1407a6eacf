"""Sending what a target mailbox lacks: parcels, their journal, and what to do about a no."""

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import PlacementView
from mailvault.archive.restores import MailboxJournal, Sent
from mailvault.errors import ArchiveDamaged, MessageMissing, ServerBusy
from mailvault.mail import mending
from mailvault.mail.delivery import Delivery, Denial, Letter, OpenMailbox
from mailvault.mail.model import (
    ANSWERED,
    DRAFT,
    FLAGGED,
    SEEN,
    Flags,
    Octets,
    Uid,
    octet_count,
)
from mailvault.operations.restore_presence import LARGEST_COMPARED, arrival, whole
from mailvault.operations.restore_report import RestoreOptions
from mailvault.ports import RemoteDestination

log = logging.getLogger(__name__)

PARCEL_OCTETS = 1 << 20
PARCEL_MESSAGES = 100
MOST_AGAIN = 100
SOME = 5_000
"""Messages after which whoever sends gets a chance to look at what was sent."""

STRIKES = 3
"""How often a message may be on its way when a connection breaks, before it is left alone."""

FIRST_PAUSE, LONGEST_PAUSE, PAUSES = 5.0, 900.0, 8

_HARMLESS = frozenset({SEEN, ANSWERED, FLAGGED, DRAFT})


class Entry(NamedTuple):
    """A message that is to be sent; ``place`` is its number among the wanted ones."""

    place: int
    view: PlacementView


class Fates(Protocol):
    """Is told what becomes of each entry."""

    def sending(self, entry: Entry) -> None: ...

    def stored(self, entry: Entry, uid: Uid | None, flags: Flags) -> None: ...

    def refused(
        self, entry: Entry, reason: str, octets: Octets | None, *, is_damage: bool = False
    ) -> None: ...

    def changed(self, entry: Entry, how: str) -> None:
        """It was sent in another form than the archive's, as was asked for."""
        ...

    def strikes(self, entry: Entry) -> int: ...


class StillBusy(ServerBusy):
    """The target was asked again and again, and wants to be left alone for longer."""


class MailboxReplaced(Exception):
    """The target mailbox went away and was made again: all must be looked at anew."""


@dataclass(slots=True)
class _Group:
    """Letters that stand together in the journal."""

    number: int
    entries: list[Entry]
    letters: list[Letter]
    uids: list[Uid | None] = field(default_factory=list)
    is_placed: bool = True


@dataclass(frozen=True, slots=True)
class _Variant:
    """Another way to send a message that was refused."""

    letter: Letter
    is_utf8: bool = False
    change: str = ""


class Room:
    """What is known of the target's quota, over all mailboxes."""

    def __init__(self) -> None:
        self._floor: int | None = None
        self._left: int | None = None
        self._needed = 0

    def lacks(self, size: int) -> bool:
        """Whether a message no larger than this one found no room before."""
        return self._floor is not None and size >= self._floor

    def found_none_for(self, size: int) -> None:
        self._floor = size if self._floor is None else min(self._floor, size)

    def see(self, octets: int | None) -> None:
        """The target says that so much still fits."""
        if octets is not None:
            self._left = octets if self._left is None else min(self._left, octets)

    def need(self, octets: int) -> None:
        self._needed += octets

    def objection(self) -> str | None:
        """What a dry run says of it."""
        if self._left is None or self._needed <= self._left:
            return None
        return (
            f"the quota has room for {self._left} octets,"
            f" and {self._needed} would be appended: some will be refused"
        )


class Sender:
    """Sends to one open mailbox. ConnectionLost leaves open attempts in the journal."""

    def __init__(
        self,
        archive: Archive,
        destination: RemoteDestination,
        path: str,
        state: OpenMailbox,
        journal: MailboxJournal,
        *,
        fates: Fates,
        options: RestoreOptions,
        room: Room,
    ) -> None:
        self._archive = archive
        self._destination = destination
        self._path = path
        self._state = state
        self._journal = journal
        self._fates = fates
        self._options = options
        self._room = room
        self._under_way: deque[_Group] = deque()
        self._again: list[Entry] = []
        self._pauses = 0
        self._is_stopped = False  # before the last of the entries

    def send(self, entries: Iterable[Entry]) -> Iterator[None]:
        """Send all; yield now and then, and at the end, when nothing is under way.

        Raises:
            ConnectionLost: what was under way may be stored or not.
            ServerBusy: the target wants to be left alone for longer than we wait.
        """
        waiting = iter(entries)
        is_done = False
        while not is_done:
            self._is_stopped = False
            for delivery in self._destination.deliver(self._path, self._parcels(waiting)):
                self._judge(delivery)
            is_done = not self._is_stopped
            again, self._again = self._again, []
            for entry in again:
                self._send_alone(entry)
            yield

    def _parcels(self, entries: Iterator[Entry]) -> Iterator[Sequence[Letter]]:
        """Gather letters; the journal knows of them before anybody sends them."""
        sent = 0
        gathered: list[tuple[Entry, Letter]] = []
        size = 0
        for entry in entries:
            letter = self._letter(entry)
            if letter is None:
                continue
            if self._fates.strikes(entry):
                self._again.append(entry)
                _discard(letter.octets)
            else:
                octets = octet_count(letter.octets)
                if gathered and (
                    size + octets > PARCEL_OCTETS or len(gathered) >= PARCEL_MESSAGES
                ):
                    yield from self._posted(gathered)
                    sent += len(gathered)
                    gathered, size = [], 0
                gathered.append((entry, letter))
                size += octets
            if len(self._again) >= MOST_AGAIN or sent >= SOME:
                self._is_stopped = True
                break
        if gathered:
            yield from self._posted(gathered)

    def _posted(self, gathered: list[tuple[Entry, Letter]]) -> Iterator[Sequence[Letter]]:
        entries = [entry for entry, _ in gathered]
        letters = [letter for _, letter in gathered]
        group = _Group(self._intend(entries), entries, letters)
        self._under_way.append(group)
        for entry in entries:
            self._fates.sending(entry)
        if self._destination.takes_several:
            yield letters
        else:
            yield from ([letter] for letter in letters)

    def _intend(self, entries: Sequence[Entry]) -> int:
        messages = [Sent(e.view.digest, e.view.size, arrival(e.view)) for e in entries]
        uidnext = self._state.uidnext or 1
        return self._journal.intend(self._options.clock.now(), Uid(uidnext), messages)

    def _letter(self, entry: Entry) -> Letter | None:
        """Take a message from the archive, unless it is clear that it cannot be sent."""
        view = entry.view
        try:
            octets = self._archive.content.get(view.digest)
        except (ArchiveDamaged, MessageMissing) as error:
            self._fates.refused(entry, str(error), None, is_damage=True)
            return None
        if (objection := self._foreseen(view.size)) is not None:
            self._fates.refused(entry, objection, octets)
            _discard(octets)
            return None
        return Letter(view.digest, octets, self._state.kept(view.flags), arrival(view))

    def _foreseen(self, size: int) -> str | None:
        largest = self._state.largest
        if largest is not None and size > largest:
            return f"{size} octets are more than the server takes: {largest}"
        return "the quota is full" if self._room.lacks(size) else None

    def _judge(self, delivery: Delivery) -> None:
        """Note how the oldest letters under way fared."""
        group = self._under_way[0]
        first = len(group.uids)
        entries = group.entries[first : first + len(delivery.letters)]
        uids = self._uids(delivery)
        group.uids += uids
        group.is_placed &= delivery.denial is not None or delivery.uids is not None
        for entry, letter, uid in zip(entries, delivery.letters, uids, strict=True):
            _discard(letter.octets)
            if delivery.denial is None:
                self._fates.stored(entry, uid, letter.flags)
            else:
                self._again.append(entry)
        if len(group.uids) == len(group.entries):
            self._under_way.popleft()
            if group.is_placed:
                self._journal.settle(group.number, group.uids)

    def _uids(self, delivery: Delivery) -> Sequence[Uid | None]:
        if delivery.uids is None or delivery.uidvalidity != self._state.uidvalidity:
            return [None] * len(delivery.letters)
        return list(delivery.uids)

    def _send_alone(self, entry: Entry) -> None:
        """Send a message that was refused, or that broke a connection, by itself."""
        if self._fates.strikes(entry) >= STRIKES:
            self._fates.refused(
                entry, "the connection broke each time it was sent", self._octets(entry)
            )
            return
        letter = self._letter(entry)
        if letter is None:
            return
        reason = self._tried(entry, self._variants(letter))
        if reason is not None:
            self._fates.refused(entry, reason, letter.octets)
        _discard(letter.octets)

    def _tried(self, entry: Entry, variants: Iterable[_Variant]) -> str | None:
        """Send one variant after the other; say why not if none was taken."""
        reason = ""
        for variant in variants:
            delivery = self._deliver(entry, variant)
            if delivery.denial is None:
                if variant.change:
                    self._fates.changed(entry, f"{variant.change}, because: {reason}")
                return None
            reason = reason or delivery.reason
            if delivery.denial is Denial.NO_MAILBOX:
                self._destination.make_again(self._path)
                raise MailboxReplaced
            if delivery.denial is Denial.NO_ROOM:
                self._room.found_none_for(entry.view.size)
            if delivery.denial is not Denial.OTHER:
                break
        return reason

    def _variants(self, letter: Letter) -> Iterator[_Variant]:
        """Ways to send a message, from the faithful one on; octets change only if asked."""
        yield _Variant(letter)
        fewer = letter.flags & _HARMLESS
        if fewer != letter.flags:
            yield _Variant(replace(letter, flags=fewer))
        if fewer:
            yield _Variant(replace(letter, flags=frozenset()))
        if octet_count(letter.octets) > LARGEST_COMPARED:
            return
        octets = whole(letter.octets, keep=True)
        found = mending.faults(octets)
        if mending.Fault.HEADER in found and self._destination.takes_utf8:
            yield _Variant(letter, is_utf8=True)
        if self._options.fix:
            yield from _mended(letter, octets, found)

    def _deliver(self, entry: Entry, variant: _Variant) -> Delivery:
        """Send one message and wait for the answer; wait longer if the server is busy."""
        number = self._intend([entry])
        self._fates.sending(entry)
        while True:
            delivery = self._delivered(variant)
            if delivery.denial is not Denial.NOT_NOW:
                break
            self._pause(delivery)
        self._pauses = 0
        uids = self._uids(delivery)
        if delivery.denial is not None or delivery.uids is not None:
            self._journal.settle(number, uids)
        if delivery.denial is None:
            # What was changed as asked is not compared with what it was.
            uid = None if variant.change else uids[0]
            self._fates.stored(entry, uid, variant.letter.flags)
        return delivery

    def _delivered(self, variant: _Variant) -> Delivery:
        if variant.is_utf8:
            return self._destination.deliver_utf8(self._path, variant.letter)
        (delivery,) = self._destination.deliver(self._path, [[variant.letter]])
        return delivery

    def _pause(self, delivery: Delivery) -> None:
        wait = delivery.retry_after or min(FIRST_PAUSE * 2**self._pauses, LONGEST_PAUSE)
        self._pauses += 1
        if wait > LONGEST_PAUSE or self._pauses > PAUSES:
            raise StillBusy(
                f"the target is busy: {delivery.reason}",
                hint="run the same command again later; it goes on where it stopped",
                retry_after=delivery.retry_after,
            )
        log.info("the target is busy: %s; going on in %.0f s", delivery.reason, wait)
        self._options.clock.sleep(wait)

    def _octets(self, entry: Entry) -> Octets | None:
        try:
            return self._archive.content.get(entry.view.digest)
        except (ArchiveDamaged, MessageMissing):
            return None


def _mended(
    letter: Letter, octets: bytes, found: Sequence[mending.Fault]
) -> Iterator[_Variant]:
    """One fault after the other, until the server is content."""
    changes: list[str] = []
    for fault in found:
        octets = mending.mended(octets, fault)
        changes.append(mending.description(fault))
        yield _Variant(replace(letter, octets=octets), change="; ".join(changes))


def _discard(octets: Octets) -> None:
    if not isinstance(octets, bytes):
        octets.discard()
