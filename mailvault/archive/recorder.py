"""One run of sync, as the archive takes it in.

Messages are prepared by a few threads, or where they are many in processes of their own;
groups of batches are committed by two more threads while the next group is being prepared.
A commit that fails is the last: what was added after it is not stored, and every later call
raises.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Concatenate, ParamSpec, TypeVar

from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.commits import Commits
from mailvault.archive.committer import Committer
from mailvault.archive.drafts import Draft, Group, draft_batch
from mailvault.archive.novelty import Novelty
from mailvault.archive.private import explained
from mailvault.archive.readying import Choice, Readying
from mailvault.archive.register import Register
from mailvault.errors import ArchiveError, MessageMissing
from mailvault.mail.changes import (
    Accepted,
    AccountFinished,
    MailboxFinished,
    MailboxGone,
    Record,
    RunFinished,
    RunStarted,
    Suspected,
)
from mailvault.mail.model import Batch, Digest, Mailbox, RunNumber
from mailvault.ports import Clock

P = ParamSpec("P")
R = TypeVar("R")

IN_FLIGHT = 6 << 20
"""Octets being prepared; whoever adds more waits. Enough to last while a group is written."""

MANY = 2 << 20
"""Octets that wait to be prepared before a process of its own is worth its start."""

MANY_MESSAGES = 250
"""Messages to come before such a process is started while the first are still on their way."""

MOST_WAITING = 50
"""Changes that wait until it is known how much there is to prepare."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What of a batch was news to the archive."""

    arrived: int
    flags_changed: int
    expunged: int
    unreadable: int
    octets: int


def _in_turn(
    method: Callable[Concatenate["Recorder", P], R],
) -> Callable[Concatenate["Recorder", P], R]:
    """Let one thread in at a time."""

    def wait_and_do(self: "Recorder", /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._turn:
            return method(self, *args, **kwargs)

    return wait_and_do


class Recorder:
    """Serves several threads, each in its turn; what lies in one mailbox comes from one.

    Ends with `finish`, or with `abandon` after a failure, which is everybody's.
    """

    def __init__(
        self, choice: Choice, catalog: Catalog, committer: Committer, clock: Clock
    ) -> None:
        self.run = RunNumber((catalog.last_run() or 0) + 1)
        self._turn = RLock()
        self._choice = choice
        self._readying: Readying | None = None  # chosen when it is known how much there is
        self._catalog = catalog
        self._clock = clock
        self._register = Register(catalog)
        self._novelty = Novelty(catalog)
        self._commits = Commits(committer, self.run)
        self._drafts: deque[Draft] = deque()
        self._group = Group(records=[RunStarted(self.run, clock.now())])
        self._is_worth_a_commit = False
        self._failure: BaseException | None = None

    # What the run learns

    @_in_turn
    def account(self, name: str, protocol: str) -> int:
        """The number of an account, given to it now if it is new."""
        account_id, record = self._register.account(name, protocol)
        if record is not None:
            self._tell(record)
        return account_id

    @_in_turn
    def describe(
        self, account_id: int, mailbox: Mailbox, *, mailbox_id: int | None = None
    ) -> int:
        """The number of a mailbox: a new one, or the given one with what changed about it."""
        number, record = self._register.mailbox(account_id, mailbox, mailbox_id)
        if record is not None:
            self._tell(record)
        return number

    @_in_turn
    def gone(self, mailbox_id: int) -> None:
        """The server no longer lists a mailbox: it ends, with all that is in it."""
        self._register.forget(mailbox_id)
        self._novelty.forget(mailbox_id)
        self._tell(MailboxGone(mailbox_id))

    @_in_turn
    def suspect(self, account_id: int, mailbox_id: int | None, reason: str) -> None:
        self._tell(Suspected(account_id, mailbox_id, reason))

    @_in_turn
    def accept(self, account_id: int) -> None:
        """What was suspected of an account in earlier runs was meant."""
        name = self._register.account_name(account_id)
        if self._catalog.suspicions(name):
            self._tell(Accepted(account_id))

    @_in_turn
    def expect(self, messages: int) -> None:
        """Be ready for so many messages, about: a process takes a while to start."""
        if self._readying is None and messages >= MANY_MESSAGES:
            with self._unbroken():
                self._readying = self._choice.for_many()

    @_in_turn
    def add(self, mailbox_id: int, batch: Batch) -> Applied:
        """Take in a batch. It is stored some time later, at the latest by `flush`."""
        if (batch.flags_changed or batch.expunged) and self._is_pending(mailbox_id):
            self.flush()
        with self._unbroken():
            news = self._novelty.of(mailbox_id, batch)
        if not news.is_empty or self._is_pending(mailbox_id):
            sizes = self._sizes([each.digest for each in (*batch.recognised, *batch.renamed)])
            self._enqueue(draft_batch(mailbox_id, news.batch, sizes))
        return Applied(
            arrived=len(batch.arrived) + len(batch.recognised),
            flags_changed=len(news.batch.flags_changed),
            expunged=len(news.batch.expunged),
            unreadable=len(batch.unreadable),
            octets=batch.octets,
        )

    @_in_turn
    def mailbox_finished(self, record: MailboxFinished) -> None:
        """A mailbox in which nothing happened leaves no trace."""
        if (
            record.arrived or record.flags_changed or record.expunged or record.unreadable
        ) or record.error is not None:
            self._enqueue(Draft(record))

    @_in_turn
    def account_finished(self, account_id: int, error: str | None) -> None:
        self._enqueue(Draft(AccountFinished(account_id, self._clock.now(), error)))

    # How it becomes durable

    @_in_turn
    def flush(self) -> None:
        """Make everything added so far durable before returning.

        That a run began, or that an account is done, is written with the next change or by
        `finish`: a run in which nothing happened costs one commit.
        """
        with self._unbroken():
            self._settle()

    @_in_turn
    def finish(self, exit_code: int) -> None:
        """End the run; everything is durable when this returns."""
        self._enqueue(Draft(RunFinished(self._clock.now(), exit_code)))
        with self._unbroken():
            self._drain(0)
            self._commit_group()
            self._commits.settle()
        self._failure = ArchiveError("the run is finished")
        self._close()

    @_in_turn
    def abandon(self) -> None:
        """Drop what is not committed yet. Safe at any time, and after `finish`."""
        self._failure = self._failure or ArchiveError("the run was abandoned")
        self._close()

    def _tell(self, record: Record) -> None:
        self._is_worth_a_commit = True
        self._enqueue(Draft(record))

    def _enqueue(self, draft: Draft) -> None:
        with self._unbroken():
            self._drafts.append(draft)
            if draft.mailbox_id is not None:
                self._is_worth_a_commit = True
            self._choose()
            self._drain(IN_FLIGHT)

    def _choose(self) -> None:
        """Decide who prepares what waits, as late as possible: few messages stay here."""
        if self._readying is None and sum(each.octets for each in self._drafts) >= MANY:
            self._readying = self._choice.for_many()
        if self._readying is not None or len(self._drafts) > MOST_WAITING:
            self._start()

    def _start(self) -> None:
        readying = self._readying or self._choice.here
        for draft in self._drafts:
            draft.start(readying.submit)

    def _settle(self) -> None:
        self._drain(0)
        if self._is_worth_a_commit:
            self._commit_group()
        self._commits.settle()

    def _drain(self, limit: int) -> None:
        """Group drafts, in their order, until at most ``limit`` octets are in flight."""
        if limit == 0 and self._drafts:
            self._start()
        octets = sum(draft.octets for draft in self._drafts)
        while self._drafts and (octets > limit or limit == 0 or self._drafts[0].is_ready):
            draft = self._drafts[0]
            self._group.take(draft)
            self._drafts.popleft()
            octets -= draft.octets
            if self._group.is_full:
                self._commit_group()

    def _commit_group(self) -> None:
        group, self._group = self._group, Group()
        self._is_worth_a_commit = False
        self._commits.begin(group)

    def _is_pending(self, mailbox_id: int) -> bool:
        """Whether the catalog does not yet hold all that was added to a mailbox."""
        return (
            mailbox_id in self._group.mailbox_ids
            or self._commits.is_pending(mailbox_id)
            or any(draft.mailbox_id == mailbox_id for draft in self._drafts)
        )

    def _sizes(self, digests: list[Digest]) -> dict[Digest, int]:
        sizes = self._catalog.sizes(digests) if digests else {}
        for digest in digests:
            if digest not in sizes:
                raise MessageMissing(f"no message {digest} to recognise")
        return sizes

    @contextmanager
    def _unbroken(self) -> Iterator[None]:
        """What fails or is interrupted half-way is never continued: it could skip a batch."""
        if self._failure is not None:
            raise self._failure
        try:
            with explained(self._catalog.path.parent):
                yield
        except Exception as error:
            self._failure = error
            raise
        except BaseException:
            self._failure = ArchiveError("the run was interrupted")
            raise

    def _close(self) -> None:
        self._choice.here.close()
        if self._readying is not None:
            self._readying.close()
        self._commits.close()
        self._group.discard_streamed()
        for draft in self._drafts:
            for octets in draft.streamed:
                octets.discard()
        self._drafts.clear()
