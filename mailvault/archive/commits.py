"""Groups of changes on their way to the disk: one is written while others are made known.

What is written is safe: if it never reaches the catalog, the next writer brings it there.
The catalog takes all that waits in one transaction, so that it never lags far behind.
"""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from mailvault.archive.committer import Committer, Written
from mailvault.archive.drafts import Group
from mailvault.mail.model import RunNumber

MOST_UNKNOWN = 4
"""Groups that wait for the catalog; whoever brings another one waits too."""


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A group that is written, and when the catalog knows of it."""

    mailbox_ids: frozenset[int]
    known: "Future[None]"


class Commits:
    """The groups of one run, committed in their order. Whoever asks does so in turn."""

    def __init__(self, committer: Committer, run: RunNumber) -> None:
        self._committer = committer
        self._run = run
        self._writing = ThreadPoolExecutor(1, "write")
        self._making_known = ThreadPoolExecutor(1, "catalog")
        self._under_way: tuple[Group, Future[Future[None]]] | None = None
        self._unknown: deque[_Unknown] = deque()
        self._waiting: deque[Written] = deque()

    def begin(self, group: Group) -> None:
        """Have a group committed as soon as the one before it is written."""
        self._await_written()
        self._await_known(MOST_UNKNOWN)
        self._under_way = (group, self._writing.submit(self._write, group))

    def settle(self) -> None:
        """Wait until everything is durable and known."""
        self._await_written()
        self._await_known(0)

    def is_pending(self, mailbox_id: int) -> bool:
        """Whether the catalog may not yet hold all that was begun about a mailbox."""
        if self._under_way is not None and mailbox_id in self._under_way[0].mailbox_ids:
            return True
        return any(
            mailbox_id in each.mailbox_ids and not each.known.done() for each in self._unknown
        )

    def close(self) -> None:
        """Wait for what was begun, whatever comes of it. Idempotent."""
        self._writing.shutdown()
        self._making_known.shutdown()
        if self._under_way is not None:
            self._under_way[0].discard_streamed()

    def _write(self, group: Group) -> "Future[None]":
        self._waiting.append(self._committer.write(self._run, group.records, group.messages))
        return self._making_known.submit(self._make_known)

    def _make_known(self) -> None:
        written = []
        while self._waiting:
            written.append(self._waiting.popleft())
        if written:
            self._committer.make_known(written)

    def _await_written(self) -> None:
        if self._under_way is None:
            return
        group, written = self._under_way
        self._unknown.append(_Unknown(frozenset(group.mailbox_ids), written.result()))
        self._under_way = None
        group.discard_streamed()

    def _await_known(self, most: int) -> None:
        while self._unknown and (len(self._unknown) > most or self._unknown[0].known.done()):
            self._unknown[0].known.result()
            self._unknown.popleft()
