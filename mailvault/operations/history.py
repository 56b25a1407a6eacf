"""History: the life of one message, as a list of events. Decided from its stays; pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import MessageView
from mailvault.archive.life import Life, Stay, read_life
from mailvault.errors import MessageMissing
from mailvault.mail.model import Digest, Flags, MailboxName, RunNumber
from mailvault.operations.pairing import pair

T = TypeVar("T")


class EventKind(StrEnum):
    ARRIVED = "arrived"
    MOVED = "moved"
    RENUMBERED = "renumbered"
    FLAGS = "flags"
    MAILBOX_RENAMED = "mailbox-renamed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Event:
    """What a run found out about a message; ``before`` is what was until then, if it differs.

    ``flags`` are those that hold from then on, or the last ones of a message that is gone.
    """

    run: RunNumber
    at: datetime
    kind: EventKind
    account: str
    mailbox: MailboxName
    remote_id: str
    uidvalidity: int
    flags: Flags
    mailbox_before: MailboxName | None = None
    flags_before: Flags | None = None


@dataclass(frozen=True, slots=True)
class History:
    """``message.placements`` are where it is and was, by the mailboxes' present names."""

    message: MessageView
    events: tuple[Event, ...]


def history(archive: Archive, digest: Digest) -> History:
    """Tell the life of a message.

    Raises:
        MessageMissing: it never lay in any mailbox.
    """
    message = archive.catalog.message(digest)
    if message is None:
        raise MessageMissing(f"no message {digest}")
    return History(message, tuple(events(read_life(archive.catalog, digest))))


def events(life: Life) -> Iterator[Event]:
    """Turn stays into events, oldest first.

    A stay that ends in the run in which another begins is one event, not two: in the same
    mailbox the message got another number, in another one of the account it moved there.
    """
    began: defaultdict[RunNumber, list[Stay]] = defaultdict(list)
    ended: defaultdict[RunNumber, list[Stay]] = defaultdict(list)
    for stay in life.stays:
        began[stay.first_run].append(stay)
        if stay.gone_run is not None:
            ended[stay.gone_run].append(stay)
    for run in sorted(life.times):
        yield from _within(run, life, began[run], ended[run])


def _within(
    run: RunNumber, life: Life, began: Sequence[Stay], ended: Sequence[Stay]
) -> Iterator[Event]:
    at = life.times[run]
    for stay in life.stays:
        if stay.gone_run != run:
            yield from _changes(run, at, stay)
    same = pair(ended, began, lambda stay: stay.mailbox_id)
    yield from (_arrival(EventKind.RENUMBERED, at, new, old) for old, new in same.matched)
    moved = pair(same.left, same.came, lambda stay: stay.account)
    yield from (_arrival(EventKind.MOVED, at, new, old) for old, new in moved.matched)
    yield from (_arrival(EventKind.ARRIVED, at, new, None) for new in moved.came)
    yield from (_event(run, at, EventKind.GONE, old) for old in moved.left)


def _changes(run: RunNumber, at: datetime, stay: Stay) -> Iterator[Event]:
    """What a run changed about a stay that began earlier."""
    names, flags = dict(stay.names), dict(stay.flags)
    if run <= stay.first_run:
        return
    if run in names:
        before = _last(stay.names, run - 1)
        yield _event(run, at, EventKind.MAILBOX_RENAMED, stay, mailbox_before=before)
    if run in flags:
        was = _last(stay.flags, run - 1)
        yield _event(run, at, EventKind.FLAGS, stay, flags_before=was)


def _arrival(kind: EventKind, at: datetime, new: Stay, old: Stay | None) -> Event:
    if old is None:
        return _event(new.first_run, at, kind, new)
    flags, now = _last(old.flags, new.first_run), new.flags[0][1]
    return _event(
        new.first_run,
        at,
        kind,
        new,
        mailbox_before=_last(old.names, new.first_run) if kind is EventKind.MOVED else None,
        flags_before=flags if flags != now else None,
    )


def _event(
    run: RunNumber,
    at: datetime,
    kind: EventKind,
    stay: Stay,
    *,
    mailbox_before: MailboxName | None = None,
    flags_before: Flags | None = None,
) -> Event:
    return Event(
        run=run,
        at=at,
        kind=kind,
        account=stay.account,
        mailbox=_last(stay.names, run),
        remote_id=stay.remote_id,
        uidvalidity=stay.uidvalidity,
        flags=_last(stay.flags, run),
        mailbox_before=mailbox_before,
        flags_before=flags_before,
    )


def _last(values: Iterable[tuple[RunNumber, T]], run: int) -> T:
    """What held after a run."""
    return [value for at, value in values if at <= run][-1]
