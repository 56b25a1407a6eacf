"""Fetching bodies: pipelined while all is well, bisected around what the server cannot give.

A message that ends the connection or makes the server refuse is found by halving the set it
was asked in. It becomes unreadable, and all others arrive.
"""

import logging
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailvault.errors import ConnectionLost, ServerBusy, ServerRefused, SourceError
from mailvault.mail.model import Arrival, Uid, Unreadable, octet_count
from mailvault.protocols.imap.uidset import UidSet
from mailvault.sources.imap_session import ImapSession
from mailvault.transport.imap_values import Fetched, FetchedSet, Selected

log = logging.getLogger(__name__)

TARGET_OCTETS = 1 << 20
"""What one FETCH command should bring: enough to fill the link, little enough for memory."""

FEWEST, MOST = 8, 400
"""Messages in one FETCH command."""

DEPTH = 3
"""Commands under way at once, so that the link never idles."""

TIRELESS = 14
"""Failures in a row after which the server, and not a message, is to blame.

Halving a set of 400 down to one message takes nine.
"""

CONDEMNED = 10
"""Messages in a row found unreadable after which the server, and not they, is to blame."""

# Exchange sends this in place of a message it cannot convert, with another RFC822.SIZE.
PLACEHOLDER = b"Retrieval using the IMAP4 protocol failed for the following message"


@dataclass(frozen=True, slots=True)
class Bodies:
    """The answer to one command: what arrived, what did not, and up to which UID."""

    arrived: tuple[Arrival, ...]
    unreadable: tuple[Unreadable, ...]
    last: Uid


@dataclass(frozen=True, slots=True)
class _Doubtful:
    """A message that was unavailable when perhaps all were."""

    asked: UidSet
    reason: str


class BodyPlan:
    """Which UIDs to ask for next, in ascending order, and which were asked in vain."""

    def __init__(self, uids: UidSet) -> None:
        self._fresh = uids
        self._again: deque[UidSet] = deque()
        self._asked: deque[UidSet] = deque()
        self._messages = MOST // 8
        self._paused = False

    def __bool__(self) -> bool:
        return bool(self._fresh) or bool(self._again)

    @property
    def is_suspicious(self) -> bool:
        """Whether some set failed and is to be asked again, one command at a time."""
        return bool(self._again)

    def sets(self) -> Iterator[UidSet]:
        """Hand out what to ask: first what failed, else fresh UIDs; until paused."""
        self._paused = False
        again = self.is_suspicious
        while not self._paused and (self._again if again else self._fresh):
            asked = self._again.popleft() if again else self._cut()
            self._asked.append(asked)
            yield asked

    def pause(self) -> None:
        """Ask no more for now; what was asked will still be answered."""
        self._paused = True

    def answered(self, octets: int) -> None:
        asked = self._asked.popleft()
        average = max(1, octets // max(1, len(asked)))
        self._messages = max(FEWEST, min(MOST, TARGET_OCTETS // average, self._messages * 2))

    def failed(self) -> UidSet | None:
        """The set the server failed at: the first unanswered. The others are asked again."""
        if not self._asked:
            return None
        suspect = self._asked.popleft()
        self._again.extendleft(reversed(self._asked))
        self._asked.clear()
        return suspect

    def put_back(self) -> None:
        """What is unanswered is asked again later; nothing was wrong with it."""
        for asked in self._asked:
            self._fresh |= asked
        self._asked.clear()

    def ask_again(self, answers: Iterable[FetchedSet | _Doubtful]) -> None:
        """Ask for what was not yet judged when the connection went away."""
        for answer in answers:
            self._fresh |= answer.asked

    def halve(self, suspect: UidSet) -> None:
        self._again.extendleft(reversed(list(suspect.split((len(suspect) + 1) // 2))))

    def _cut(self) -> UidSet:
        head, *_ = self._fresh.split(self._messages)
        self._fresh = self._fresh - head
        return head


class BodyFetcher:
    """Fetches the bodies of one open mailbox over a session that may have to reconnect."""

    def __init__(self, session: ImapSession, wire_name: bytes, uidvalidity: int | None) -> None:
        self._session = session
        self._wire_name = wire_name
        self._uidvalidity = uidvalidity
        self._losses: Counter[Uid] = Counter()
        self._failures = 0  # in a row
        self._condemned = 0  # in a row
        self._doubtful: list[_Doubtful] = []

    def fetch(self, uids: UidSet) -> Iterator[Bodies]:
        """Yield the messages in ascending order of UID, some MiB at a time."""
        plan = BodyPlan(uids)
        while plan:
            try:
                yield from self._round(plan)
            except ConnectionLost as lost:
                yield from self._lost(plan, lost)
            except ServerBusy as busy:
                plan.put_back()
                plan.ask_again(self._doubtful)
                self._doubtful.clear()
                self._rest(busy)
        yield from self._condemn()

    def _round(self, plan: BodyPlan) -> Iterator[Bodies]:
        """Ask until something is missing; then ask the server what became of it."""
        client = self._session.client
        # Courier shows a made-up message in place of one another session expunged, and says
        # so only at the next NOOP: so there one command at a time, and then a NOOP.
        is_courier = "courier" in client.greeting_text.lower()
        depth = 1 if plan.is_suspicious or is_courier else DEPTH
        held: list[FetchedSet] = []
        try:
            yield from self._answers(plan, held, depth=depth, is_courier=is_courier)
        except (ConnectionLost, ServerBusy):
            plan.ask_again(held)
            raise
        for answer in held:
            yield _bodies(answer, still_listed=self._still_listed(answer.asked))

    def _answers(
        self, plan: BodyPlan, held: list[FetchedSet], *, depth: int, is_courier: bool
    ) -> Iterator[Bodies]:
        client = self._session.client
        for answer in client.fetch_bodies(plan.sets(), depth=depth):
            if answer.is_throttled:
                raise ServerBusy(
                    f"the server sends no messages now: {answer.refusal}",
                    hint="try again later",
                    retry_after=answer.retry_after,
                )
            if answer.refusal is not None:
                yield from self._refused(plan, answer)
                return
            plan.answered(sum(octet_count(m.body) for m in answer.messages if m.body))
            self._failures = self._condemned = 0
            self._session.served()
            yield from self._condemn()
            if held or is_courier or _missing(answer):
                held.append(answer)
                plan.pause()
            else:
                yield _bodies(answer, still_listed=answer.asked)

    def _still_listed(self, asked: UidSet) -> UidSet:
        self._session.client.noop()
        first, last = asked.ranges[0][0], asked.ranges[-1][1]
        return self._session.client.search_uids(Uid(first), Uid(last)) & asked

    def _refused(self, plan: BodyPlan, answer: FetchedSet) -> Iterator[Bodies]:
        suspect = plan.failed()
        what = f"the server refuses to send messages: {answer.refusal}"
        is_doubtful = answer.refusal_code == "UNAVAILABLE"
        refusal = (
            ServerBusy(what, hint="try again later") if is_doubtful else ServerRefused(what)
        )
        self._count_failure(refusal)
        if suspect is not None:
            yield from self._narrow(plan, suspect, str(answer.refusal), refusal)

    def _rest(self, busy: ServerBusy) -> None:
        """Wait as the server wants, if that is short, and open the mailbox again."""
        self._session.rest(busy)
        self._require_same(self._session.reopen(self._wire_name))

    def _lost(self, plan: BodyPlan, lost: ConnectionLost) -> Iterator[Bodies]:
        suspect = plan.failed()
        self._count_failure(lost)
        log.info("connection lost, going on at %s: %s", suspect, lost)
        self._require_same(self._session.reopen(self._wire_name))
        if suspect is not None:
            reason = f"asking for it ends the connection: {lost}"
            yield from self._narrow(plan, suspect, reason, lost)

    def _require_same(self, selected: Selected) -> None:
        if selected.state.uidvalidity != self._uidvalidity:
            raise ConnectionLost(
                "the mailbox was replaced while it was being read",
                hint="the next sync takes up the new one",
            )

    def _narrow(
        self, plan: BodyPlan, suspect: UidSet, reason: str, failure: SourceError
    ) -> Iterator[Bodies]:
        if len(suspect) > 1:
            plan.halve(suspect)
            return
        (number,) = suspect
        uid = Uid(number)
        self._losses[uid] += 1
        if self._losses[uid] < 2:  # once may be the network's doing
            plan.halve(suspect)
            return
        self._failures = 0
        self._condemned += 1
        if self._condemned > CONDEMNED:
            self._doubtful.append(_Doubtful(suspect, reason))
            raise failure
        if isinstance(failure, ServerBusy):
            self._doubtful.append(_Doubtful(suspect, reason))
        else:
            yield Bodies((), (Unreadable(uid, reason),), uid)

    def _condemn(self) -> Iterator[Bodies]:
        """Other messages are served: so what was unavailable is so for its own sake."""
        for each in self._doubtful:
            (uid,) = map(Uid, each.asked)
            yield Bodies((), (Unreadable(uid, each.reason),), uid)
        self._doubtful.clear()

    def _count_failure(self, failure: SourceError) -> None:
        self._failures += 1
        if self._failures > TIRELESS:
            raise failure


def _missing(answer: FetchedSet) -> bool:
    return sum(1 for m in answer.messages if m.body is not None or m.problem) < len(
        answer.asked
    )


def _bodies(answer: FetchedSet, *, still_listed: UidSet) -> Bodies:
    """Sort an answer into arrivals and debts; what is not listed any more is neither."""
    given = {fetched.uid: fetched for fetched in answer.messages}
    arrived, unreadable = [], []
    for uid in map(Uid, still_listed):
        fetched = given.get(uid)
        problem = (
            "the server says OK but sends no message" if fetched is None else _problem(fetched)
        )
        if problem is not None:
            unreadable.append(Unreadable(uid, problem))
        elif fetched is not None and fetched.body is not None:
            flags = fetched.flags or frozenset()
            arrived.append(Arrival(uid, fetched.body, flags, fetched.internal_date))
    return Bodies(tuple(arrived), tuple(unreadable), Uid(answer.asked.ranges[-1][1]))


def _problem(fetched: Fetched) -> str | None:
    if fetched.problem:
        return fetched.problem
    if fetched.body is None:
        return "the server sends NIL in place of the message"
    if fetched.size is not None and fetched.size != octet_count(fetched.body):
        # Servers are often wrong about the size, so this alone is no reason to doubt the mail.
        log.debug("uid %d: RFC822.SIZE %d is not its size", fetched.uid, fetched.size)
        if isinstance(fetched.body, bytes) and PLACEHOLDER in fetched.body[:4096]:
            return "the server sends a placeholder: it cannot convert this message"
    return None
