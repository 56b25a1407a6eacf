"""Fetching messages over POP3 although a message may end the session, or the network does.

A message is asked for by its number in the present session, and found again in another one
by its unique-id.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mailvault.errors import ConnectionLost, ProtocolViolation, ServerBusy, SourceError
from mailvault.mail.model import Octets
from mailvault.protocols.pop3.listings import Listing
from mailvault.sources.pop3_session import Pop3Session

log = logging.getLogger(__name__)

TIRELESS = 8
"""Lost sessions in a row, none of which brought a message, before giving up."""

CONDEMNED = 10
"""Messages in a row not to be had after which the server, and not they, is to blame."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message to fetch. ``uidl`` is None where the server gives it no sound name."""

    number: int
    uidl: str | None


@dataclass(frozen=True, slots=True)
class Got:
    """A message, or why the server would not give it."""

    wanted: Wanted
    octets: Octets | None
    problem: str | None = None


class Pop3Bodies:
    def __init__(self, session: Pop3Session) -> None:
        self._session = session
        self._failures = 0  # in a row
        self._condemned = 0  # in a row
        self._doubtful: list[Got] = []
        self._taken = 0  # of those asked for in this session

    def fetch(self, numbers: Sequence[int]) -> Iterator[Got]:
        """Yield the messages. What another client deleted meanwhile is left out.

        Raises:
            ServerBusy: the server has no message for us now.
        """
        waiting = numbers
        losses: Counter[str | None] = Counter()
        while waiting:
            listing = self._session.listing
            self._taken = 0
            try:
                yield from self._fetch(waiting, listing)
                waiting = waiting[self._taken :]
            except (ConnectionLost, ProtocolViolation) as lost:
                waiting = waiting[self._taken :]
                if any(listing.name(number) is None for number in waiting):
                    raise  # nobody can tell in another session which they are
                self._count(lost)
                suspect = Wanted(waiting[0], listing.name(waiting[0]))
                losses[suspect.uidl] += 1
                if losses[suspect.uidl] > 1:  # once may be the network's doing
                    waiting = waiting[1:]
                    yield self._condemn(suspect, lost)
                self._session.reopen()
                waiting = list(self._renumbered(waiting, listing))
        yield from self._judged()

    def _fetch(self, waiting: Sequence[int], listing: Listing) -> Iterator[Got]:
        for answer in self._session.client.retrieve(waiting):
            wanted = Wanted(answer.number, listing.name(answer.number))
            self._taken += 1
            self._failures = 0
            reason = f"the server refuses to send it: {answer.refusal}"
            if answer.is_for_now:
                self._doubt(Got(wanted, None, reason))
                continue
            self._condemned = 0
            yield from self._judged()
            yield Got(wanted, answer.octets, reason if answer.octets is None else None)

    def _doubt(self, got: Got) -> None:
        """Refused for now: either this message alone, or all because we ask too much."""
        self._doubtful.append(got)
        self._condemned += 1
        if self._condemned > CONDEMNED:
            raise ServerBusy(f"no message is to be had now: {got.problem}")

    def _judged(self) -> Iterator[Got]:
        """Other messages are served: so what was refused is refused for its own sake."""
        doubtful, self._doubtful = self._doubtful, []
        yield from doubtful

    def _renumbered(self, waiting: Iterable[int], before: Listing) -> Iterator[int]:
        """The numbers that messages of an earlier session have in this one."""
        numbers = self._session.reliable
        for number in waiting:
            name = before.name(number)
            if name is not None and name in numbers:
                yield numbers[name]

    def _condemn(self, suspect: Wanted, lost: SourceError) -> Got:
        self._failures = 0
        self._condemned += 1
        if self._condemned > CONDEMNED:
            raise lost
        return Got(suspect, None, f"asking for it ends the connection: {lost}")

    def _count(self, lost: SourceError) -> None:
        self._failures += 1
        log.info("session lost: %s", lost)
        if self._failures > TIRELESS:
            raise lost
