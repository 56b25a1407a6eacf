"""Fetching messages over POP3 although a message may end the session, or the network does.

A message is asked for by its number in the present session, and remembered by its unique-id.
"""

import logging
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailvault.errors import ConnectionLost, ProtocolViolation, ServerBusy, SourceError
from mailvault.mail.model import Octets
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

    def fetch(self, wanted: Sequence[Wanted]) -> Iterator[Got]:
        """Yield what is wanted. What another client deleted meanwhile is left out.

        Raises:
            ServerBusy: the server has no message for us now.
        """
        waiting = deque(wanted)
        losses: Counter[str | None] = Counter()
        while waiting:
            try:
                yield from self._fetch(waiting)
            except (ConnectionLost, ProtocolViolation) as lost:
                if any(each.uidl is None for each in waiting):
                    raise  # nobody can tell in another session which they are
                self._count(lost)
                suspect = waiting[0]
                losses[suspect.uidl] += 1
                if losses[suspect.uidl] > 1:  # once may be the network's doing
                    waiting.popleft()
                    yield self._condemn(suspect, lost)
                self._session.reopen()
                waiting = deque(self._renumbered(waiting))
        yield from self._judged()

    def _fetch(self, waiting: deque[Wanted]) -> Iterator[Got]:
        numbers = [each.number for each in waiting]
        for answer in self._session.client.retrieve(numbers):
            wanted = waiting.popleft()
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

    def _renumbered(self, waiting: Sequence[Wanted]) -> Iterator[Wanted]:
        numbers = self._session.reliable
        for each in waiting:
            if each.uidl is not None and each.uidl in numbers:
                yield Wanted(numbers[each.uidl], each.uidl)

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
