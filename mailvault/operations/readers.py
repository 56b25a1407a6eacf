"""Several connections that read mailboxes ahead of the one writer, in bounded memory."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeAlias

from mailvault.errors import (
    AccountSuspended,
    ConnectionLost,
    LoginRefused,
    MailvaultError,
    ServerBusy,
    TimeIsUp,
)
from mailvault.mail.model import Batch, octet_count
from mailvault.operations.plan import Task
from mailvault.ports import Known, Source

log = logging.getLogger(__name__)

READ_AHEAD = 1 << 20
"""Octets read but not yet taken by the writer, over all connections."""

LEAST = 8 << 10
"""What a message counts for at the least, so that a kill never costs more than a batch."""

CHANGE = 1 << 9
"""What any other change counts for: about the memory it takes."""

LOSSES = 3
"""Mailboxes in a row that fail for want of a connection before an account is given up."""


@dataclass(frozen=True, slots=True)
class Begun:
    task: Task


@dataclass(frozen=True, slots=True)
class Read:
    task: Task
    batch: Batch
    weight: int  # octets it counts for


@dataclass(frozen=True, slots=True)
class Ended:
    """The pass over a mailbox is over; ``error`` says why it ended early."""

    task: Task
    seconds: float
    error: MailvaultError | None = None


_Errors: TypeAlias = tuple[type[MailvaultError], ...]

_UNWELCOME = (LoginRefused, ServerBusy, AccountSuspended, TimeIsUp)
"""What a server says of us, and not of a mailbox: asking for the next one is no use."""

Event: TypeAlias = Begun | Read | Ended


class Readers:
    """Walks the tasks in as many threads as there are sources; iterate to take the events.

    Leaving the context stops the threads at their next batch. They are daemons, so a
    connection that is stuck in a wait keeps nobody.
    """

    def __init__(
        self,
        sources: Sequence[Callable[[], AbstractContextManager[Source]]],
        tasks: Sequence[Task],
        known: Callable[[Task], Known],
    ) -> None:
        self._tasks = deque(tasks)
        self._known = known
        self._events: deque[Event] = deque()
        self._waiting = 0  # octets in the queue
        self._changed = threading.Condition()
        self._stopped = False
        self._losses = 0
        self._is_given_up = False
        self._extras_walking = 0
        self._threads = [
            threading.Thread(
                target=copy_context().run,  # whose account the logs are about
                args=(self._read_all, each, number > 0),
                daemon=True,
                name="reader",
            )
            for number, each in enumerate(sources)
        ]
        self._running = len(self._threads)

    def __enter__(self) -> "Readers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        with self._changed:
            self._stopped = True
            self._events.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=1.0)

    def __iter__(self) -> Iterator[Event]:
        while (event := self._take()) is not None:
            yield event

    def _take(self) -> Event | None:
        with self._changed:
            while not self._events and self._running:
                self._changed.wait()
            if not self._events:
                return None
            event = self._events.popleft()
            if isinstance(event, Read):
                self._waiting -= event.weight
                self._changed.notify_all()
            return event

    def _put(self, event: Event) -> bool:
        """Queue an event once there is room; False when nobody wants it any more."""
        with self._changed:
            octets = event.weight if isinstance(event, Read) else 0
            while octets and self._waiting > READ_AHEAD and not self._stopped:
                self._changed.wait()
            if self._stopped:
                return False
            self._events.append(event)
            self._waiting += octets
            self._changed.notify_all()
            return True

    def _next(self, *, is_extra: bool) -> Task | None:
        with self._changed:
            while not (is_extra or self._tasks or self._stopped) and self._extras_walking:
                self._changed.wait()  # one of them may have to leave its mailbox to us
            if self._stopped or self._is_given_up or self._losses >= LOSSES:
                return None
            if not self._tasks:
                return None
            self._extras_walking += is_extra
            return self._tasks.popleft()

    def _read_all(
        self, open_source: Callable[[], AbstractContextManager[Source]], is_extra: bool
    ) -> None:
        spared: _Errors = (*_UNWELCOME, ConnectionLost) if is_extra else ()
        try:
            with open_source() as source:
                while (task := self._next(is_extra=is_extra)) is not None:
                    goes_on = self._walk(source, task, spared)
                    self._walked(is_extra=is_extra)
                    if not goes_on:
                        return
                    spared = _UNWELCOME if is_extra else ()
        except MailvaultError as error:  # leaving the source may fail; its mail is stored
            log.info("closing a connection: %s", error)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _walk(self, source: Source, task: Task, spared: _Errors) -> bool:
        """Walk one mailbox; False when this connection is of no more use.

        Failures of ``spared`` before it brought anything leave the mailbox to others.
        """
        began = time.monotonic()
        error: MailvaultError | None = None
        has_brought = False
        self._put(Begun(task))
        try:
            for batch in source.changes(task.mailbox, task.cursor, self._known(task)):
                has_brought = True
                if not self._put(Read(task, batch, _weight(batch))):
                    return False
        except MailvaultError as failure:
            log.info("%s: %s", task.mailbox.name, failure)
            if isinstance(failure, spared) and not has_brought:
                self._leave_to_others(task)
                return False
            error = failure
            self._is_given_up |= isinstance(failure, _UNWELCOME)
        except Exception as failure:
            # One mailbox that trips a bug of ours must not cost the others.
            log.exception("%s: unexpected error", task.mailbox.name)
            error = MailvaultError(f"unexpected error: {failure!r}")
        self._losses = self._losses + 1 if isinstance(error, ConnectionLost) else 0
        self._put(Ended(task, time.monotonic() - began, error))
        return not self._is_given_up

    def _walked(self, *, is_extra: bool) -> None:
        with self._changed:
            self._extras_walking -= is_extra
            self._changed.notify_all()

    def _leave_to_others(self, task: Task) -> None:
        """Servers allow so many connections at once, and some hang up on one more."""
        with self._changed:
            self._tasks.appendleft(task)

    @property
    def unread(self) -> Sequence[Task]:
        """The mailboxes never begun, because the connection was given up."""
        return tuple(self._tasks)


def _weight(batch: Batch) -> int:
    others = (batch.recognised, batch.renamed, batch.flags_changed, batch.expunged)
    changes = sum(map(len, others))
    messages = sum(max(LEAST, octet_count(each.octets)) for each in batch.arrived)
    return messages + changes * CHANGE
