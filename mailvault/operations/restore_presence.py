"""Which of the wanted messages a target mailbox holds already, by what proves it.

In this order: the journal of earlier restores and the archive's own knowledge of the account
(by UID), then size, Message-ID and arrival date together, and where these leave a doubt the
octets themselves. What a server is known to change in a message makes it no other message.
"""

import logging
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import PlacementView
from mailvault.archive.restores import Attempt, MailboxJournal, Sent
from mailvault.errors import ArchiveDamaged, MessageMissing
from mailvault.mail.alterations import is_same_letter
from mailvault.mail.envelope import parse_envelope
from mailvault.mail.model import Digest, Octets, Uid, digest_of, octet_count
from mailvault.ports import Fingerprint, RemoteDestination

log = logging.getLogger(__name__)

LARGEST_COMPARED = 32 << 20
"""Octets up to which two messages are compared in memory; larger ones by digest alone."""

Wanted = Callable[[], Iterator[PlacementView]]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known, by their UIDs, of messages in a target mailbox."""

    by_journal: MailboxJournal
    by_archive: Mapping[Uid, Sent]

    def get(self, uid: Uid) -> Sent | None:
        return self.by_journal.known.get(uid) or self.by_archive.get(uid)


def arrival(view: PlacementView) -> datetime:
    """When a message arrived, as far as anybody knows; it becomes its INTERNALDATE."""
    return view.internal_date or view.date or view.first_seen


def taken_away(journal: MailboxJournal, uids: Sequence[Uid]) -> Counter[Digest]:
    """What earlier restores put there that is there no more, under UIDs never given again."""
    present = set(uids)
    return Counter(sent.digest for uid, sent in journal.known.items() if uid not in present)


class Presence:
    """Looks into the mailbox that the destination has open."""

    def __init__(self, archive: Archive, destination: RemoteDestination, known: Known) -> None:
        self._archive = archive
        self._destination = destination
        self._known = known
        self.found: Counter[Digest] = Counter()
        self.settled = 0  # messages of open attempts that turned out to be there
        self.fetched = 0  # messages read to settle a doubt

    def look(self, wanted: Wanted) -> None:
        """Fill ``found`` with how often each of the wanted messages is there."""
        strangers = self._strangers(self._destination.uids())
        strangers = self._settle(strangers)
        if strangers:
            self._recognise(strangers, wanted)

    def look_again(self, attempts: Iterable[Attempt]) -> Counter[Digest]:
        """Settle attempts once more, and give what they turn out to have stored after all."""
        self.found.clear()
        chosen = list(attempts)
        if chosen:
            first = min(attempt.uidnext for attempt in chosen)
            uids = [uid for uid in self._destination.uids() if uid >= first]
            unknown = [uid for uid in uids if self._known.get(uid) is None]
            self._settle(self._fingerprints(unknown))
        return self.found

    def _fingerprints(self, uids: Sequence[Uid]) -> list[Fingerprint]:
        return sorted(self._destination.fingerprints(uids), key=lambda seen: seen.uid)

    def _strangers(self, uids: Sequence[Uid]) -> list[Fingerprint]:
        """Those of which nothing is known. What is known must look as it should."""
        unknown = [uid for uid in uids if self._known.get(uid) is None]
        for seen in self._destination.glance([u for u in uids if self._known.get(u)]):
            sent = self._known.get(seen.uid)
            assert sent is not None
            if seen.size == sent.size or _same_time(seen.internal_date, sent.date):
                self.found[sent.digest] += 1
            else:
                log.info("UID %d is not what it was; looking closer", seen.uid)
                unknown.append(seen.uid)
        return self._fingerprints(unknown)

    def _settle(self, strangers: list[Fingerprint]) -> list[Fingerprint]:
        """Find what attempts left open among the messages that came after them."""
        journal = self._known.by_journal
        open_attempts = sorted(journal.open.values(), key=lambda attempt: attempt.number)
        if not open_attempts:
            return strangers
        matches = _Settlement(self._archive, self._destination, open_attempts).match(strangers)
        mine: set[Uid] = set()
        for attempt in open_attempts:
            uids = matches.get(attempt.number, {})
            if uids:  # what was not stored stays open: see `look_again`
                for place, uid in uids.items():
                    self.found[attempt.messages[place].digest] += 1
                    mine.add(uid)
                self.settled += len(uids)
                self._split(attempt, uids)
        return [seen for seen in strangers if seen.uid not in mine]

    def _split(self, attempt: Attempt, uids: Mapping[int, Uid]) -> None:
        journal = self._known.by_journal
        places = range(len(attempt.messages))
        rest = [attempt.messages[place] for place in places if place not in uids]
        if rest:
            journal.intend(attempt.at, attempt.uidnext, rest)
        journal.settle(attempt.number, [uids.get(place) for place in places])

    def _recognise(self, strangers: list[Fingerprint], wanted: Wanted) -> None:
        """Match what others put there, by what tells messages apart."""
        likely = _Likely.among(strangers, wanted())
        doubtful: list[Fingerprint] = []
        for seen in strangers:
            certain = likely.certain(seen)
            if certain is not None:
                self.found[certain] += 1
            elif likely.candidates(seen):
                doubtful.append(seen)
        by_uid = {seen.uid: seen for seen in doubtful}
        for served_uid, octets in _bodies(self._destination, list(by_uid)):
            self.fetched += 1
            digest = self._identified(octets, likely.candidates(by_uid[served_uid]))
            if digest is not None:
                self.found[digest] += 1

    def _identified(self, octets: Octets, candidates: Sequence[Digest]) -> Digest | None:
        digest = digest_of(octets)
        if digest in candidates:
            return digest
        return next((c for c in candidates if is_alike(self._archive, c, octets)), None)


class _Likely:
    """The wanted messages that could be one of some strangers."""

    def __init__(self, strangers: Iterable[Fingerprint]) -> None:
        self._exact: dict[tuple[str, int, int], set[Digest]] = defaultdict(set)
        self._by_id: dict[str, set[Digest]] = defaultdict(set)
        self._nameless: dict[int, set[Digest]] = defaultdict(set)  # by size, and by date
        self._ids: set[str] = set()
        self._marks: set[int] = set()  # sizes and dates of those without a sure Message-ID
        for seen in strangers:
            if seen.message_id is not None:
                self._ids.add(seen.message_id)
            if _may_have_lost_its_id(seen):
                self._marks.update(_marks(seen.size, seen.internal_date))

    @classmethod
    def among(
        cls, strangers: Iterable[Fingerprint], wanted: Iterable[PlacementView]
    ) -> "_Likely":
        likely = cls(strangers)
        for view in wanted:
            likely._take(view)
        return likely

    def _take(self, view: PlacementView) -> None:
        if view.message_id is None or not view.message_id.isascii():
            for mark in _marks(view.size, arrival(view)) & self._marks:
                self._nameless[mark].add(view.digest)
        elif view.message_id in self._ids:
            self._by_id[view.message_id].add(view.digest)
            key = (view.message_id, view.size, int(arrival(view).timestamp()))
            self._exact[key].add(view.digest)

    def certain(self, seen: Fingerprint) -> Digest | None:
        """The one wanted message with this Message-ID, size and date."""
        if seen.message_id is None or seen.internal_date is None:
            return None
        key = (seen.message_id, seen.size, int(seen.internal_date.timestamp()))
        digests = self._exact.get(key, set())
        return next(iter(digests)) if len(digests) == 1 else None

    def candidates(self, seen: Fingerprint) -> Sequence[Digest]:
        found = set(self._by_id.get(seen.message_id or "", ()))
        if _may_have_lost_its_id(seen):
            for mark in _marks(seen.size, seen.internal_date):
                found |= self._nameless.get(mark, set())
        return sorted(found)


def _marks(size: int, date: datetime | None) -> set[int]:
    """What is left to tell a message without Message-ID by: its size, or else its date."""
    return {size} if date is None else {size, -int(date.timestamp())}


def _may_have_lost_its_id(seen: Fingerprint) -> bool:
    """Whether it may be the form that a server gave to a message with another Message-ID."""
    return seen.message_id is None or not seen.message_id.isascii() or "X" in seen.message_id


class _Settlement:
    """Finds messages that were sent, and of which no answer came, among those that came."""

    def __init__(
        self, archive: Archive, destination: RemoteDestination, attempts: Sequence[Attempt]
    ) -> None:
        self._archive = archive
        self._destination = destination
        self._first = min(attempt.uidnext for attempt in attempts)
        # Places of messages by what the server must tell of them: those sent first, first.
        self._open: dict[tuple[int, int | None], deque[tuple[int, int]]] = defaultdict(deque)
        self._sent: dict[tuple[int, int], Sent] = {}
        for attempt in attempts:
            for place, sent in enumerate(attempt.messages):
                self._sent[attempt.number, place] = sent
                self._open[sent.size, _second(sent.date)].append((attempt.number, place))
        self._found: dict[int, dict[int, Uid]] = defaultdict(dict)

    def match(self, strangers: Sequence[Fingerprint]) -> dict[int, dict[int, Uid]]:
        """By attempt and place, the UIDs of those that are there."""
        newer = [seen for seen in strangers if seen.uid >= self._first]
        other = [seen for seen in newer if not self._takes(seen)]
        dates = {_second(sent.date) for sent in self._sent.values()}
        doubtful = [seen for seen in other if _second(seen.internal_date) in dates]
        for uid, octets in _bodies(self._destination, [seen.uid for seen in doubtful]):
            self._compare(uid, octets)
        return self._found

    def _takes(self, seen: Fingerprint) -> bool:
        places = self._open.get((seen.size, _second(seen.internal_date)))
        if not places:
            return False
        self._settle(places.popleft(), seen.uid)
        return True

    def _compare(self, uid: Uid, octets: Octets) -> None:
        """A server that changes sizes leaves only the letter itself to be compared."""
        for key, sent in self._sent.items():
            if is_alike(self._archive, sent.digest, octets) or self._has_id(sent, octets):
                self._settle(key, uid)
                return

    def _has_id(self, sent: Sent, octets: Octets) -> bool:
        view = self._archive.catalog.message(sent.digest)
        message_id = view.message_id if view else None
        return (
            message_id is not None and message_id == parse_envelope(_start(octets)).message_id
        )

    def _settle(self, key: tuple[int, int], uid: Uid) -> None:
        del self._sent[key]
        number, place = key
        self._found[number][place] = uid


def _bodies(
    destination: RemoteDestination, uids: Sequence[Uid]
) -> Iterator[tuple[Uid, Octets]]:
    if not uids:
        return
    for served in destination.fetch(uids):
        if served.octets is None:
            continue
        try:
            yield served.uid, served.octets
        finally:
            if not isinstance(served.octets, bytes):
                served.octets.discard()


def is_alike(archive: Archive, digest: Digest, octets: Octets) -> bool:
    """Whether a server made these octets of the archive's message."""
    if octet_count(octets) > LARGEST_COMPARED:
        return False
    try:
        before = whole(archive.content.get(digest))
    except (ArchiveDamaged, MessageMissing):
        return False
    return is_same_letter(before, whole(octets, keep=True))


def whole(octets: Octets, *, keep: bool = False) -> bytes:
    """All octets in memory; a temporary file goes, unless somebody still wants it."""
    if isinstance(octets, bytes):
        return octets
    try:
        return b"".join(octets.chunks())
    finally:
        if not keep:
            octets.discard()


def _start(octets: Octets) -> bytes:
    return octets if isinstance(octets, bytes) else next(iter(octets.chunks()), b"")


def _same_time(one: datetime | None, two: datetime | None) -> bool:
    return one is not None and two is not None and _second(one) == _second(two)


def _second(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp())
