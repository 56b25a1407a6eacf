"""Messages and their flags over a session: pipelined, and believed only when complete."""

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mailvault.mail.envelope import parse_envelope
from mailvault.mail.model import Octets, Uid
from mailvault.protocols.imap import commands
from mailvault.protocols.imap.commands import FetchItem
from mailvault.protocols.imap.types import Fetch, Oversized, Section, Tagged, Vanished
from mailvault.protocols.imap.uidset import EMPTY, UidSet
from mailvault.transport.imap_refusals import is_throttled, refused, said
from mailvault.transport.imap_session import Session, discard
from mailvault.transport.imap_values import Fetched, FetchedSet
from mailvault.transport.refusals import suggested_wait

log = logging.getLogger(__name__)

LONGEST_SET = 7000  # octets: Exchange and Courier drop the connection over long lines
_BODY_ITEMS = (FetchItem.FLAGS, FetchItem.INTERNALDATE, FetchItem.SIZE, FetchItem.BODY)
_FINGERPRINT_ITEMS = (
    *(FetchItem.FLAGS, FetchItem.INTERNALDATE, FetchItem.SIZE),
    FetchItem.MESSAGE_ID,
)


@dataclass(slots=True)
class _Pending:
    """One command for bodies, while its answers come in."""

    tag: str
    asked: UidSet
    messages: dict[Uid, Fetched] = field(default_factory=dict)

    def take(self, fetch: Fetch) -> None:
        """Keep a body of a message that was asked for; once, for a server may repeat itself."""
        uid = fetch.uid
        if uid is None or uid not in self.asked:
            discard(fetch)
            return
        if fetch.body is None and fetch.size is None and fetch.internal_date is None:
            return  # only news of flags, which a flag scan will bring again
        known = self.messages.get(uid)
        if known is not None and (known.problem is None or fetch.body is None):
            log.info("UID %d was sent twice; the second copy is ignored", uid)
            discard(fetch)
            return
        self.messages[uid] = with_body(fetch, uid)

    def finish(self, tagged: Tagged) -> FetchedSet:
        if tagged.is_ok:
            return FetchedSet(self.asked, tuple(self.messages.values()))
        self.discard()
        code = tagged.code.name if tagged.code else None
        return FetchedSet(
            self.asked,
            (),
            said(tagged),
            code,
            is_throttled=is_throttled(tagged),
            retry_after=suggested_wait(tagged.text),
        )

    def discard(self) -> None:
        for message in self.messages.values():
            if message.body is not None and not isinstance(message.body, bytes):
                message.body.discard()
        self.messages.clear()


def fetch_bodies(session: Session, sets: Iterable[UidSet], depth: int) -> Iterator[FetchedSet]:
    """Fetch set after set, with `depth` commands in flight."""
    waiting = (part for one in sets for part in one.split_encoded(LONGEST_SET))
    in_flight: deque[_Pending] = deque()
    try:
        while _refill(session, waiting, in_flight, depth):
            tagged = _collect(session, in_flight)
            yield in_flight.popleft().finish(tagged)
    finally:
        for pending in in_flight:
            pending.discard()


def _refill(
    session: Session, waiting: Iterator[UidSet], in_flight: deque[_Pending], depth: int
) -> bool:
    allowance = session.endpoint.allowance
    while len(in_flight) < depth:
        if allowance is not None and allowance.is_spent and in_flight:
            break  # what was asked for still comes
        if (asked := next(waiting, None)) is None:
            break
        if allowance is not None:
            allowance.check()
        tag = session.send(commands.uid_fetch(asked, _BODY_ITEMS))
        in_flight.append(_Pending(tag, asked))
    return bool(in_flight)


def _collect(session: Session, in_flight: deque[_Pending]) -> Tagged:
    """Take events until the oldest command is complete."""
    by_tag = {pending.tag: pending for pending in in_flight}
    oldest = in_flight[0].tag
    while True:
        value, tag = session.event()
        if isinstance(value, Fetch):
            pending = by_tag.get(tag or "")
            if pending is not None:
                pending.take(value)
            else:
                discard(value)
        elif isinstance(value, Tagged) and value.tag == oldest:
            return value


def with_body(fetch: Fetch, uid: Uid) -> Fetched:
    body: Octets | None = None
    problem = None
    if isinstance(fetch.body, Oversized):
        problem = f"the message of {fetch.body.size} octets is above the limit"
    elif fetch.body is None:
        problem = "the server answered without the message"
    else:
        body = fetch.body
    return Fetched(
        uid,
        fetch.flags,
        fetch.internal_date,
        fetch.size,
        fetch.modseq,
        body=body,
        problem=problem,
    )


class FlagScan:
    """The flags of many messages as they stream by; afterwards, what `vanished`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.vanished = EMPTY

    def run(
        self, uids: UidSet, changed_since: int | None, is_telling_vanished: bool
    ) -> Iterator[Fetched]:
        items = [FetchItem.FLAGS]
        if self._session.offers("CONDSTORE") or self._session.offers("QRESYNC"):
            items.append(FetchItem.MODSEQ)
        if self._session.offers("X-GM-EXT-1"):
            items.append(FetchItem.GMAIL_LABELS)
        for part in uids.split_encoded(LONGEST_SET):
            command = commands.uid_fetch(
                part, items, changed_since=changed_since, vanished=is_telling_vanished
            )
            for value in self._session.answers(self._session.send(command)):
                if isinstance(value, Fetch) and value.uid in part and value.flags is not None:
                    assert value.uid is not None
                    yield Fetched(
                        value.uid, value.flags, modseq=value.modseq, labels=_labels(value)
                    )
                elif isinstance(value, Vanished):
                    self.vanished |= value.uids & part
                elif isinstance(value, Tagged) and not value.is_ok:
                    raise refused(self._session.endpoint, "FETCH", value)


def fetch_fingerprints(session: Session, uids: UidSet) -> Iterator[Fetched]:
    """What tells messages apart without sending them. Raises ServerRefused."""
    items = [*_FINGERPRINT_ITEMS]
    if session.offers("X-GM-EXT-1"):
        items += [FetchItem.GMAIL_MESSAGE_ID, FetchItem.GMAIL_LABELS]
    elif session.offers("OBJECTID"):
        items.append(FetchItem.EMAIL_ID)
    for part in uids.split_encoded(LONGEST_SET):
        for value in session.run(commands.uid_fetch(part, items)):
            if isinstance(value, Fetch) and value.uid in part and value.size is not None:
                assert value.uid is not None
                yield Fetched(
                    value.uid,
                    value.flags,
                    value.internal_date,
                    value.size,
                    value.modseq,
                    message_id=_message_id(value.sections),
                    email_id=_email_id(value),
                    labels=_labels(value),
                )


def fetch_sizes(session: Session, uids: UidSet) -> Iterator[Fetched]:
    """What servers know without opening a message. Raises ServerRefused."""
    for part in uids.split_encoded(LONGEST_SET):
        tag = session.send(commands.uid_fetch(part, (FetchItem.SIZE, FetchItem.INTERNALDATE)))
        for value in session.answers(tag):
            if isinstance(value, Fetch) and value.uid in part and value.size is not None:
                assert value.uid is not None
                yield Fetched(value.uid, internal_date=value.internal_date, size=value.size)
            elif isinstance(value, Tagged) and not value.is_ok:
                raise refused(session.endpoint, "FETCH", value)


def fetch_listing(session: Session, uids: UidSet) -> Iterator[Fetched]:
    """Sizes and flags, as they come. Raises ServerRefused."""
    for part in uids.split_encoded(LONGEST_SET):
        tag = session.send(commands.uid_fetch(part, (FetchItem.FLAGS, FetchItem.SIZE)))
        for value in session.answers(tag):
            if isinstance(value, Fetch) and value.uid in part and value.size is not None:
                assert value.uid is not None
                yield Fetched(value.uid, value.flags, size=value.size)
            elif isinstance(value, Tagged) and not value.is_ok:
                raise refused(session.endpoint, "FETCH", value)


def _labels(fetch: Fetch) -> frozenset[str] | None:
    return None if fetch.gmail_labels is None else frozenset(fetch.gmail_labels)


def _email_id(fetch: Fetch) -> str | None:
    if fetch.gmail_message_id is not None:
        return f"X-GM-MSGID:{fetch.gmail_message_id}"
    return fetch.email_id


def _message_id(sections: tuple[Section, ...]) -> str | None:
    """Read it as the archive's index does, for the two are compared."""
    for section in sections:
        if isinstance(section.octets, bytes):
            return parse_envelope(section.octets).message_id
    return None
