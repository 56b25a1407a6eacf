"""Bring the archive level with one account: plan its mailboxes, walk them, judge the result."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

from mailvault.archive.archive import Archive
from mailvault.archive.recorder import Recorder
from mailvault.archive.standings import Standing
from mailvault.errors import (
    AccountSuspended,
    ConnectionLost,
    LoginRefused,
    MailvaultError,
    ServerBusy,
    SourceError,
    TimeIsUp,
    UsageError,
)
from mailvault.mail.changes import MailboxFinished
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Mailbox, octet_count
from mailvault.operations.credentials import Credential, has_changed, marked
from mailvault.operations.judgement import Walked, judge
from mailvault.operations.patience import judged, pause, standing_after
from mailvault.operations.plan import (
    Archived,
    MailboxPlan,
    Task,
    plan_mailboxes,
)
from mailvault.operations.readers import Begun, Ended, Read, Readers
from mailvault.operations.removal import Removal, RemovalPolicy
from mailvault.operations.reports import AccountReport, MailboxReport, Progress
from mailvault.operations.slots import Slot
from mailvault.ports import Deleting, Known, Sharing, Source
from mailvault.transport.allowance import Allowance

log = logging.getLogger(__name__)

_OF_THE_ACCOUNT = (ConnectionLost, LoginRefused, ServerBusy, AccountSuspended, TimeIsUp)
"""What ends a mailbox's pass but says nothing of the mailbox."""


@dataclass(frozen=True, slots=True)
class SyncAccount:
    """An account as sync needs it. Each call of ``open_source`` is one connection.

    ``only_adds``: what the source does not list proves nothing, as with files to import.
    """

    name: str
    protocol: str
    open_source: Callable[[], Source]
    globs: MailboxGlobs
    connections: int = 1
    removal: RemovalPolicy | None = None
    allowance: Allowance | None = None
    slot: Slot | None = None
    only_adds: bool = False
    credential: Credential | None = None


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """``only`` narrows the account's own globs.

    ``accept_empty`` says that what vanished was meant to, now and in the runs before.
    ``by_hand``: a person named the accounts, and may try again before a pause is over.
    """

    only: MailboxGlobs | None = None
    accept_empty: bool = False
    by_hand: bool = False


@dataclass(slots=True)
class _Pass:
    """What is counted while a mailbox is walked."""

    mailbox_id: int
    report: MailboxReport
    suspicion: str | None = None  # what the source itself finds suspicious

    def deleted(self, messages: int) -> None:
        """So many were deleted on the server because we asked for it: no loss."""
        deleted = self.report.deleted_on_server + messages
        self.report = replace(self.report, deleted_on_server=deleted)

    def add(
        self, *, arrived: int, flags_changed: int, expunged: int, unreadable: int, octets: int
    ) -> None:
        self.report = replace(
            self.report,
            arrived=self.report.arrived + arrived,
            flags_changed=self.report.flags_changed + flags_changed,
            expunged=self.report.expunged + expunged,
            unreadable=self.report.unreadable + unreadable,
            octets=self.report.octets + octets,
        )


@dataclass(slots=True)
class AccountSync:
    """One account's part of a run. Everything it learns goes through the recorder."""

    account: SyncAccount
    archive: Archive
    recorder: Recorder
    progress: Progress
    options: SyncOptions
    _account_id: int = 0
    _before: dict[int, Archived] = field(default_factory=dict)
    _passes: dict[Mailbox, _Pass] = field(default_factory=dict)

    def run(self) -> AccountReport:
        """Sync what can be synced. Raises only what concerns the archive itself."""
        self._account_id = self.recorder.account(self.account.name, self.account.protocol)
        if self.options.accept_empty:
            self.recorder.accept(self._account_id)
        self._before = {each.mailbox_id: each for each in self._archived()}
        suspicion: str | None = None
        standing = self.archive.standings.of(self.account.name)
        now = self.archive.now()
        may_ask = self.options.by_hand or has_changed(standing, self.account.credential)
        error = pause(standing, now, by_hand=may_ask)
        if error is not None:
            return self._finish(error, None)
        try:
            if self.account.slot is not None:
                self.account.slot.begin()
            if self.account.allowance is not None:
                self.account.allowance.check()
            with self.account.open_source() as source:
                plan = self._plan(source)
                suspicion = plan.suspicion
                self._record_plan(plan)
                error = self._rounds(source, plan)
        except (SourceError, UsageError) as failure:  # no password is one account's trouble
            log.info("%s: %s", self.account.name, failure)
            error = failure
        error = judged(error, self.archive.now())
        self._remember(standing, error)
        return self._finish(error, suspicion)

    def _remember(self, standing: Standing, error: MailvaultError | None) -> None:
        if self.account.allowance is not None:
            day, octets = self.account.allowance.spent()
            standing = replace(standing, day=day, octets=octets)
        mark = partial(marked, standing, self.account.credential)
        after = standing_after(standing, error, self.archive.now(), mark)
        self.archive.standings.keep(self.account.name, after)

    def _archived(self) -> Iterator[Archived]:
        for view in self.archive.catalog.mailboxes(self.account.name, include_gone=True):
            yield Archived(
                view.mailbox_id,
                view.name,
                view.messages,
                view.cursor,
                is_gone=view.is_gone,
                uidvalidity=view.uidvalidity,
            )

    def _selected(self, mailbox: Mailbox | Archived) -> bool:
        only = self.options.only
        return self.account.globs.matches(mailbox.name) and (
            only is None or only.matches(mailbox.name)
        )

    # Planning

    def _plan(self, source: Source) -> MailboxPlan:
        def is_same(mailbox: Mailbox, archived: Archived) -> bool:
            known = self.archive.known(archived.mailbox_id)
            return archived.cursor is not None and source.is_same_mailbox(
                mailbox, archived.cursor, known
            )

        listed = [mailbox for mailbox in source.mailboxes() if self._selected(mailbox)]
        archived = [each for each in self._before.values() if self._selected(each)]
        if self.account.only_adds:
            names = {mailbox.name for mailbox in listed}
            archived = [each for each in archived if each.name in names]
        return plan_mailboxes(listed, archived, is_same)

    def _record_plan(self, plan: MailboxPlan) -> None:
        for archived in plan.gone:
            self.recorder.gone(archived.mailbox_id)
        for task in plan.tasks:
            known = task.archived.mailbox_id if task.archived else None
            mailbox_id = self.recorder.describe(
                self._account_id, task.mailbox, mailbox_id=known
            )
            self._passes[task.mailbox] = _Pass(mailbox_id, MailboxReport(task.mailbox.name))
        if plan.suspicion and not self.options.accept_empty:
            self.recorder.suspect(self._account_id, None, plan.suspicion)

    def _known(self, task: Task) -> Known:
        return self.archive.known(self._passes[task.mailbox].mailbox_id)

    # Walking

    def _rounds(self, source: Source, plan: MailboxPlan) -> MailvaultError | None:
        """Walk, delete what is due, and again where the server may show more then."""
        tasks: Sequence[Task] = plan.tasks
        error = self._walk(source, tasks)
        while isinstance(source, Deleting) and error is None and plan.suspicion is None:
            self._delete(source, tasks)
            tasks = [task for task in tasks if self._may_bring_more(source, task)]
            if not tasks:
                break
            self.recorder.flush()
            archived = {each.name: each for each in self._archived()}
            tasks = [replace(task, archived=archived[task.mailbox.name]) for task in tasks]
            error = self._walk(source, tasks)
        return error

    def _may_bring_more(self, source: Deleting, task: Task) -> bool:
        return self._passes[task.mailbox].report.error is None and source.has_more(task.mailbox)

    def _delete(self, source: Deleting, tasks: Sequence[Task]) -> None:
        """Delete on the server what is due, unless anything at all looks wrong."""
        policy = self.account.removal
        if policy is None:
            return
        self.recorder.flush()
        has_failed = any(done.report.error for done in self._passes.values())
        if has_failed or self._is_suspicious():
            log.warning("%s: nothing is deleted after such a run", self.account.name)
            return
        removal = Removal(self.archive, self.recorder, source, policy)
        for task in tasks:
            if task.mailbox.is_selectable:
                done = self._passes[task.mailbox]
                removed = removal.run(task.mailbox, done.mailbox_id)
                done.deleted(removed.messages)
                done.report = replace(
                    done.report, error=removed.error, deletion_refusal=removed.refusal
                )

    def _walk(self, source: Source, among: Sequence[Task]) -> MailvaultError | None:
        """Walk every mailbox in which something may have happened."""
        tasks = [
            task
            for task in among
            if task.mailbox.is_selectable
            and not source.is_level(task.mailbox, task.cursor, self._known(task))
        ]
        if not tasks:
            return None
        expected = sum(_likely_new(task) for task in tasks)
        self.progress.expect(expected)
        self.recorder.expect(expected)
        connections = max(1, min(self.account.connections, len(tasks)))
        if isinstance(source, Sharing) and source.names_messages():
            connections = 1  # what one mailbox brought, the next need not bring again
        # The first connection is still needed after the walk.
        sources: list[Callable[[], AbstractContextManager[Source]]] = [
            lambda: nullcontext(source),
            *[self.account.open_source] * (connections - 1),
        ]
        lost: MailvaultError | None = None
        with Readers(sources, _largest_first(tasks), self._known) as readers:
            for event in readers:
                match event:
                    case Begun(task):
                        self._begin(task)
                    case Read(task):
                        self._store(task, event)
                    case Ended(task, seconds, error):
                        self._end(task, seconds, error)
                        lost = error if isinstance(error, _OF_THE_ACCOUNT) else lost
                if self.account.slot is not None:
                    self.account.slot.check()
        return lost

    def _begin(self, task: Task) -> None:
        state = task.mailbox.state
        self.progress.mailbox(self.account.name, task.mailbox.name, state.messages)

    def _store(self, task: Task, event: Read) -> None:
        done = self._passes[task.mailbox]
        reason = event.batch.suspicion
        if reason and reason != done.suspicion and not self.options.accept_empty:
            done.suspicion = reason
            self.recorder.suspect(self._account_id, done.mailbox_id, reason)
        applied = self.recorder.add(done.mailbox_id, event.batch)
        done.add(
            arrived=applied.arrived,
            flags_changed=applied.flags_changed,
            expunged=applied.expunged - len(event.batch.removed),
            unreadable=applied.unreadable,
            octets=applied.octets,
        )
        done.deleted(len(event.batch.removed))
        if event.batch.stored is not None:
            self.recorder.flush()
            event.batch.stored()
        sizes = [octet_count(arrival.octets) for arrival in event.batch.arrived]
        self.progress.stored(len(sizes), sum(sizes))

    def _end(self, task: Task, seconds: float, error: MailvaultError | None) -> None:
        done = self._passes[task.mailbox]
        seconds += done.report.seconds
        done.report = replace(done.report, seconds=seconds, error=error)
        self.progress.done(self.account.name, task.mailbox.name)
        report = done.report
        log.info(
            "%s %s: %d new, %d flags changed, %d expunged, %d unreadable",
            self.account.name, report.mailbox, report.arrived,
            report.flags_changed, report.expunged, report.unreadable,
        )  # fmt: skip

    # Judging

    def _finish(self, error: MailvaultError | None, suspicion: str | None) -> AccountReport:
        self.recorder.flush()
        if self.options.accept_empty:
            suspicion = None
        else:
            of_account = self._guard()
            self._record_suspicions(of_account)
            suspicion = "; ".join(filter(None, (suspicion, of_account))) or None
        for done in self._passes.values():
            self.recorder.mailbox_finished(_finished(done))
        self.recorder.account_finished(self._account_id, str(error) if error else None)
        debts = sum(1 for _ in self.archive.catalog.debts(self.account.name))
        reports = tuple(done.report for done in self._passes.values())
        unaccepted = self._unaccepted()
        return AccountReport(self.account.name, reports, error, suspicion, debts, unaccepted)

    def _unaccepted(self) -> int:
        suspicions = self.archive.catalog.suspicions(self.account.name)
        return sum(each.run < self.recorder.run for each in suspicions)

    def _guard(self) -> str | None:
        """Judge what this run took; give what is suspicious of the account as a whole."""
        walked = [
            Walked(
                done.mailbox_id, mailbox, done.report.expunged, done.report.deleted_on_server
            )
            for mailbox, done in self._passes.items()
        ]
        judgement = judge(
            self.archive.catalog, self.account.name, self.recorder.run, self._before, walked
        )
        for done in self._passes.values():
            reason = done.suspicion or judgement.of_mailboxes.get(done.mailbox_id)
            done.report = replace(done.report, suspicion=reason)
        return judgement.of_account

    def _is_suspicious(self) -> bool:
        if self.options.accept_empty:
            return False
        if self.archive.catalog.suspicions(self.account.name):
            return True  # of an earlier run, and nobody has accepted it
        reason = self._guard()
        return bool(reason or any(done.report.suspicion for done in self._passes.values()))

    def _record_suspicions(self, of_account: str | None) -> None:
        if of_account is not None:
            self.recorder.suspect(self._account_id, None, of_account)
        for done in self._passes.values():
            reason = done.report.suspicion
            if reason is not None and reason != done.suspicion:
                self.recorder.suspect(self._account_id, done.mailbox_id, reason)


def _likely_new(task: Task) -> int:
    """How many messages will come, if none was expunged."""
    listed = task.mailbox.state.messages or 0
    known = task.archived.messages if task.archived and task.cursor else 0
    return max(0, listed - known)


def _largest_first(tasks: Sequence[Task]) -> list[Task]:
    """So that no connection starts on the biggest mailbox when the others are done."""
    return sorted(tasks, key=lambda task: -(task.mailbox.state.messages or 0))


def _finished(done: _Pass) -> MailboxFinished:
    report = done.report
    return MailboxFinished(
        done.mailbox_id,
        arrived=report.arrived,
        flags_changed=report.flags_changed,
        expunged=report.expunged,
        unreadable=report.unreadable,
        octets=report.octets,
        seconds=round(report.seconds, 3),
        error=str(report.error) if report.error else None,
    )
