"""Several connections that put mailboxes back side by side, and are made again when lost."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Self, TypeAlias

from mailvault.errors import (
    ConnectionLost,
    DestinationError,
    LoginRefused,
    MailvaultError,
    ProtocolViolation,
    ServerBusy,
    ServerRefused,
    SourceError,
)
from mailvault.mail.delivery import OpenMailbox
from mailvault.operations.restore_mailbox import Job, MailboxRestore, foretell
from mailvault.operations.restore_plan import Task
from mailvault.operations.restore_sending import LONGEST_PAUSE, Entry, StillBusy
from mailvault.ports import Clock, RemoteDestination
from mailvault.transport.retry import Backoff, retrying

log = logging.getLogger(__name__)

RECONNECT = Backoff(attempts=8, first=1.0, longest=60.0, busy=20.0, bearable=LONGEST_PAUSE)
LOSSES = 5
"""Connections in a row that a mailbox may cost without any progress."""

USUAL_REST = 20.0

EMPTY = OpenMailbox(uidvalidity=0, uidnext=1, messages=0)

OpenDestination: TypeAlias = Callable[[], RemoteDestination]


class Line:
    """A connection to the target. A context manager: leaving it ends the connection."""

    def __init__(self, open_destination: OpenDestination, clock: Clock) -> None:
        self._open = open_destination
        self._clock = clock
        self._live: RemoteDestination | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.__exit__(kind, *exception)

    @property
    def destination(self) -> RemoteDestination:
        if self._live is None:
            raise ConnectionLost("the connection to the target was closed")
        return self._live

    def connect(self) -> None:
        """Connect once. Raises SourceError."""
        self._live = self._open().__enter__()

    def renew(self) -> None:
        """Connect, again if need be, and with patience. Raises SourceError in the end."""
        self.__exit__(ConnectionLost)
        retrying(self.connect, self._clock, RECONNECT)


class Crew:
    """Walks the tasks over as many connections as are allowed, the largest first."""

    def __init__(
        self, job: Job, tasks: Sequence[Task], open_destination: OpenDestination
    ) -> None:
        self._job = job
        self._open = open_destination
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        for task in sorted(tasks, key=_octets, reverse=True):
            self._tasks.put(task)
        self._others = min(job.options.connections, len(tasks)) - 1
        self._error: MailvaultError | None = None
        self._unexpected: BaseException | None = None
        self._is_stopped = False

    def run(self, line: Line) -> MailvaultError | None:
        """Do all tasks; give what ended it before all was done, if anything did."""
        threads = [threading.Thread(target=self._guarded, args=(line,), daemon=True)]
        threads += [
            threading.Thread(target=self._guarded, args=(None,), daemon=True)
            for _ in range(self._others)
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            self._is_stopped = True
        if self._unexpected is not None:
            raise self._unexpected
        return self._error

    def _guarded(self, line: Line | None) -> None:
        try:
            if line is None:
                self._work_beside()
            else:
                self._work(line)
        except SourceError as error:
            self._stop(error)
        except BaseException as error:  # noqa: BLE001  # raised again by whoever waits for us
            self._is_stopped = True
            self._unexpected = self._unexpected or error

    def _stop(self, error: MailvaultError) -> None:
        log.warning("%s", error)
        self._error = self._error or error
        self._is_stopped = True

    def _work_beside(self) -> None:
        """Over one more connection, if the server wants it."""
        with Line(self._open, self._job.options.clock) as line:
            try:
                line.connect()
            except (ConnectionLost, ServerRefused, LoginRefused) as error:
                log.info("no further connection: %s", error)
                return
            self._work(line)

    def _work(self, line: Line) -> None:
        while not self._is_stopped:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                return
            self._restore(line, task)

    def _restore(self, line: Line, task: Task) -> None:
        began = time.monotonic()
        error: MailvaultError | None = None
        self._job.ledger.begin(task.move)
        try:
            self._put_back(line, task)
        except SourceError as failure:
            error = failure
            self._stop(failure)
        finally:
            self._job.ledger.end(task.move, time.monotonic() - began, error)

    def _put_back(self, line: Line, task: Task) -> None:
        if task.place.path is None:
            self._refuse_all(task, f"no mailbox for it: {task.place.note}")
        elif task.place.is_new and self._job.options.dry_run:
            foretell(self._job, self._entries(task), EMPTY)
        else:
            try:
                self._persist(line, MailboxRestore(self._job, task))
            except (ServerBusy, LoginRefused):
                raise
            except (ServerRefused, DestinationError) as refusal:
                self._refuse_all(task, str(refusal))

    def _persist(self, line: Line, work: MailboxRestore) -> None:
        """Until it is done: a connection that broke is made again."""
        losses = 0
        while not self._is_stopped:
            try:
                work.run(line.destination)
            except StillBusy:
                raise
            except ServerBusy as busy:
                losses = self._after(busy, losses, has_progressed=work.has_progressed)
                self._rest(busy)
            except (ConnectionLost, ProtocolViolation) as lost:
                losses = self._after(lost, losses, has_progressed=work.has_progressed)
            else:
                return
            line.renew()

    def _after(self, error: SourceError, losses: int, *, has_progressed: bool) -> int:
        losses = 1 if has_progressed else losses + 1
        if losses > LOSSES or self._is_stopped:
            raise error
        log.info("connecting again: %s", error)
        return losses

    def _rest(self, busy: ServerBusy) -> None:
        wait = USUAL_REST if busy.retry_after is None else busy.retry_after
        if wait > LONGEST_PAUSE:
            raise busy
        log.info("%s; going on in %.0f s", busy, wait)
        self._job.options.clock.sleep(wait)

    def _refuse_all(self, task: Task, reason: str) -> None:
        for entry in self._entries(task):
            self._job.ledger.refused(entry.view, reason, None)

    def _entries(self, task: Task) -> Iterator[Entry]:
        views = self._job.selection.placements(self._job.archive, task.move.mailbox_ids)
        return (Entry(place, view) for place, view in enumerate(views))


def _octets(task: Task) -> int:
    return sum(view.octets for view in task.move.views)
