"""One pass over a POP3 mailbox: one session's listing against what the archive knows.

Messages with a sound unique-id are told apart by it, all others by their octets, which have
to be fetched for that. So a server with bad ids costs traffic, but no mail and no duplicate.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from mailvault.errors import SourceError
from mailvault.mail.model import (
    Arrival,
    Batch,
    Octets,
    Recognition,
    Uid,
    Unreadable,
    digest_of,
    octet_count,
)
from mailvault.ports import Known
from mailvault.protocols.imap.uidset import EMPTY
from mailvault.sources.comparing import kept_messages
from mailvault.sources.pop3_bodies import Got, Pop3Bodies, Wanted
from mailvault.sources.pop3_cursor import Pop3Cursor
from mailvault.sources.pop3_missing import Missing
from mailvault.sources.pop3_session import Pop3Session

UIDVALIDITY = 1
"""POP3 knows none: the numbers are the archive's own and are never given twice."""

BATCH_OCTETS = 1 << 20
BATCH_MESSAGES = 200


@dataclass(slots=True)
class Sorted:
    """A listing, sorted by what the archive knows."""

    wanted: Sequence[int]
    """Numbers in this session."""
    missing: Missing = field(default_factory=Missing)
    """Archived and not listed under its name: gone, renamed, or never named soundly."""
    matched: int = 0
    reused: dict[str | None, Uid] = field(default_factory=dict)
    """Ids that now name a message of another size, and what they named."""


@dataclass(slots=True)
class _Gathered:
    """What becomes one batch."""

    arrived: list[Arrival] = field(default_factory=list)
    renamed: list[Recognition] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    octets: int = 0

    @property
    def count(self) -> int:
        return len(self.arrived) + len(self.renamed) + len(self.unreadable)

    @property
    def is_enough(self) -> bool:
        return self.octets >= BATCH_OCTETS or self.count >= BATCH_MESSAGES


def sort(session: Pop3Session, known: Known, cursor: Pop3Cursor) -> Sorted:
    """Compare the listing with the archive, a page at a time."""
    listing = session.listing
    matched: set[int] = set()
    found = Sorted(listing.numbers)
    for kept in kept_messages(known):
        number = session.reliable.get(kept.uidl) if kept.uidl is not None else None
        if number is None or number in matched:
            found.missing.add(kept.uid, kept.digest)
        elif cursor.tells_sizes and not agree(listing.sizes.get(number), kept.size):
            found.missing.add(kept.uid, kept.digest)
            found.reused[kept.uidl] = kept.uid
        else:
            matched.add(number)
    if matched:
        found.wanted = [number for number in listing.numbers if number not in matched]
    found.matched = len(matched)
    return found


def agree(listed: int | None, octets: int) -> bool:
    """A server ends the last line where the message does not, and may not count that."""
    return listed is None or octets - listed in (0, 2)


class MailboxPass:
    """Walks the session that is open. Yields batches; the last one is complete."""

    def __init__(
        self, session: Pop3Session, cursor: Pop3Cursor, known: Known, *, largest: int
    ) -> None:
        self._session = session
        self._known = known
        self._largest = largest
        self._resumed = cursor
        self._next = max(cursor.next, known.highest() + 1)
        self._owed: dict[str, Uid] = {}
        self._owed_unnamed: list[Uid] = []
        self._paid: set[Uid] = set()  # debts of before, settled by arrival or renewed
        self._tells_sizes = cursor.tells_sizes
        self.fetched = 0
        self.renamed = 0
        self._reused: Mapping[str | None, Uid] = {}
        self._missing = Missing()
        self.cursor = cursor
        self._listing = session.listing
        self._session_flaw = self._listing.flaw  # looked for once: it takes all names

    @property
    def flaw(self) -> str | None:
        """Why the server's ids cannot be trusted, as far as this pass met it."""
        if self._session_flaw is not None:
            return self._session_flaw
        if self.renamed:
            return "the server has given its messages other unique-ids than before"
        if self._reused:
            return "the server has given a unique-id to another message"
        return None

    def is_all_there_is(self) -> bool:
        """Whether the session open now lists what this pass took, and nothing else."""
        is_owed = self._owed or self._owed_unnamed
        return not is_owed and self.flaw is None and self._session.listing == self._listing

    def run(self) -> Iterator[Batch]:
        """Yield what is new, then what is gone; the last batch carries the cursor."""
        found = sort(self._session, self._known, self._resumed)
        self._reused = found.reused
        self._missing = found.missing
        small, large = self._by_size(found.wanted)
        yield from self._batches(large)
        yield from self._batches(Pop3Bodies(self._session).fetch(small))
        self.cursor = self._final()
        expunged = self._expunged()
        removed = tuple(uid for uid in expunged if uid in self._resumed.asked)
        yield Batch(
            UIDVALIDITY,
            self.cursor.format(),
            expunged=expunged,
            removed=removed,
            is_complete=True,
        )

    @property
    def names(self) -> Set[str]:
        """The sound unique-ids of this session."""
        return self._listing.reliable.keys()

    def _by_size(self, wanted: Sequence[int]) -> tuple[Sequence[int], Iterator[Got]]:
        listing, most = self._listing, self._largest
        large = {number for number in wanted if listing.sizes.get(number, 0) > most}
        refused = (
            Got(
                Wanted(number, listing.name(number)),
                None,
                f"the message of {listing.sizes[number]} octets is above the limit",
            )
            for number in sorted(large)
        )
        if large:
            wanted = [number for number in wanted if number not in large]
        return wanted, refused

    def _batches(self, messages: Iterator[Got]) -> Iterator[Batch]:
        """Gather what comes into batches of some MiB; also what came before an error."""
        gathered = _Gathered()
        failure: SourceError | None = None
        try:
            for got in messages:
                self._take(gathered, got)
                if gathered.is_enough:
                    yield self._batch(gathered)
                    gathered = _Gathered()
        except SourceError as error:
            failure = error
        if gathered.count:
            yield self._batch(gathered)
        if failure is not None:
            raise failure

    def _batch(self, gathered: _Gathered) -> Batch:
        return Batch(
            UIDVALIDITY,
            # What is owed must be found again under its number.
            self._so_far().format() if gathered.unreadable else None,
            arrived=tuple(gathered.arrived),
            renamed=tuple(gathered.renamed),
            unreadable=tuple(gathered.unreadable),
        )

    def _take(self, gathered: _Gathered, got: Got) -> None:
        uidl = got.wanted.uidl
        if got.octets is None:
            reason = got.problem or "the server does not send it"
            gathered.unreadable.append(Unreadable(self._owe(uidl), reason))
            return
        self._note_size(got.wanted.number, got.octets)
        if isinstance(got.octets, bytes):
            gathered.octets += len(got.octets)
        known = self._recognise(got.octets, uidl)
        if known is None:
            self.fetched += 1
            uid = self._number(uidl)
            gathered.arrived.append(Arrival(uid, got.octets, frozenset(), None, uidl))
            return
        if not isinstance(got.octets, bytes):
            got.octets.discard()
        if uidl is not None and self._reused.get(uidl) != known.uid:
            self.renamed += 1
            gathered.renamed.append(known)

    def _recognise(self, octets: Octets, uidl: str | None) -> Recognition | None:
        """The archived message that is this one, under another name or none."""
        if not self._missing:
            return None
        digest = digest_of(octets)
        uid = self._missing.take(digest)
        return None if uid is None else Recognition(uid, digest, frozenset(), None, uidl)

    def _note_size(self, number: int, octets: Octets) -> None:
        listed = self._session.listing.sizes.get(number)
        agrees = listed is not None and agree(listed, octet_count(octets))
        self._tells_sizes = agrees and self._tells_sizes is not False

    # Numbers

    def _number(self, uidl: str | None) -> Uid:
        """The number of a message: the one it was owed under, or a new one."""
        owed = self._resumed.owed.get(uidl) if uidl is not None else None
        if owed is None:
            return self._new()
        self._paid.add(owed)
        return owed

    def _new(self) -> Uid:
        uid = Uid(self._next)
        self._next += 1
        return uid

    def _owe(self, uidl: str | None) -> Uid:
        if uidl is not None:
            self._owed[uidl] = self._number(uidl)
            return self._owed[uidl]
        earlier = self._resumed.owed_unnamed[len(self._owed_unnamed) :]
        uid = earlier[0] if earlier else self._new()
        self._owed_unnamed.append(uid)
        return uid

    # The end

    def _expunged(self) -> tuple[Uid, ...]:
        """What is gone, and debts that are none any more.

        What is not listed may yet be there where some message without a name was not read.
        """
        owed = {*self._resumed.owed.values(), *self._resumed.owed_unnamed}
        owed -= {*self._paid, *self._owed_unnamed}
        gone = set(self._missing)
        if self.cursor.hides_fetched or self._owed_unnamed:
            gone = {uid for uid in gone if uid in self._resumed.asked}
        return tuple(sorted(gone | owed))

    def _so_far(self) -> Pop3Cursor:
        """Debts of before stand until the end of the pass."""
        unnamed = (*self._owed_unnamed, *self._resumed.owed_unnamed)
        return replace(
            self._resumed,
            next=self._next,
            owed={**self._resumed.owed, **self._owed},
            owed_unnamed=tuple(dict.fromkeys(unnamed)),
        )

    def _final(self) -> Pop3Cursor:
        return replace(
            self._resumed,
            next=self._next,
            owed=self._owed,
            owed_unnamed=tuple(self._owed_unnamed),
            asked=EMPTY,
            tells_sizes=self._tells_sizes,
        )
