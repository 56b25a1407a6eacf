"""Bring the archive level with one account: plan its mailboxes, walk them, judge the result."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from mailvault.archive.archive import Archive
from mailvault.archive.recorder import Recorder
from mailvault.errors import ConnectionLost, MailvaultError, SourceError, UsageError
from mailvault.mail.changes import MailboxFinished
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Mailbox, octet_count
from mailvault.operations.plan import (
    Archived,
    MailboxPlan,
    Task,
    plan_mailboxes,
    suspicious_deletion,
    suspicious_loss,
)
from mailvault.operations.readers import Begun, Ended, Read, Readers
from mailvault.operations.reports import AccountReport, MailboxReport, Progress
from mailvault.ports import Known, Source

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SyncAccount:
    """An account as sync needs it. Each call of ``open_source`` is one connection."""

    name: str
    protocol: str
    open_source: Callable[[], Source]
    globs: MailboxGlobs
    connections: int = 1


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """``only`` narrows the account's own globs.

    ``accept_empty`` says that what vanished was meant to, now and in the runs before.
    """

    only: MailboxGlobs | None = None
    accept_empty: bool = False


@dataclass(slots=True)
class _Pass:
    """What is counted while a mailbox is walked."""

    mailbox_id: int
    report: MailboxReport

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
        error: MailvaultError | None = None
        try:
            with self.account.open_source() as source:
                plan = self._plan(source)
                suspicion = plan.suspicion
                self._record_plan(plan)
                error = self._walk(source, plan)
        except (SourceError, UsageError) as failure:  # no password is one account's trouble
            log.info("%s: %s", self.account.name, failure)
            error = failure
        return self._finish(error, suspicion)

    def _archived(self) -> Iterator[Archived]:
        for view in self.archive.catalog.mailboxes(self.account.name, include_gone=True):
            yield Archived(
                view.mailbox_id, view.name, view.messages, view.cursor, is_gone=view.is_gone
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

    def _walk(self, source: Source, plan: MailboxPlan) -> MailvaultError | None:
        """Walk every mailbox in which something may have happened."""
        tasks = [
            task
            for task in plan.tasks
            if task.mailbox.is_selectable
            and not source.is_level(task.mailbox, task.cursor, self._known(task))
        ]
        if not tasks:
            return None
        self.progress.expect(sum(_likely_new(task) for task in tasks))
        connections = max(1, min(self.account.connections, len(tasks)))
        sources = [lambda: source, *[self.account.open_source] * (connections - 1)]
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
                        lost = error if isinstance(error, ConnectionLost) else lost
        return lost

    def _begin(self, task: Task) -> None:
        state = task.mailbox.state
        self.progress.mailbox(self.account.name, task.mailbox.name, state.messages)

    def _store(self, task: Task, event: Read) -> None:
        done = self._passes[task.mailbox]
        applied = self.recorder.add(done.mailbox_id, event.batch)
        done.add(
            arrived=applied.arrived,
            flags_changed=applied.flags_changed,
            expunged=applied.expunged,
            unreadable=applied.unreadable,
            octets=applied.octets,
        )
        sizes = [octet_count(arrival.octets) for arrival in event.batch.arrived]
        self.progress.stored(len(sizes), sum(sizes))

    def _end(self, task: Task, seconds: float, error: MailvaultError | None) -> None:
        done = self._passes[task.mailbox]
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
        suspicion = None if self.options.accept_empty else self._guard() or suspicion
        for done in self._passes.values():
            self.recorder.mailbox_finished(_finished(done))
        self.recorder.account_finished(self._account_id, str(error) if error else None)
        debts = sum(1 for _ in self.archive.catalog.debts(self.account.name))
        reports = tuple(done.report for done in self._passes.values())
        return AccountReport(self.account.name, reports, error, suspicion, debts)

    def _guard(self) -> str | None:
        """Judge what each mailbox lost in this run, and what was lost with whole mailboxes."""
        after = {
            view.mailbox_id: view.messages
            for view in self.archive.catalog.mailboxes(self.account.name)
        }
        before = {number: each.messages for number, each in self._before.items()}
        has_shrunk = any(after.get(number, 0) < held for number, held in before.items())
        if not has_shrunk and not any(done.report.expunged for done in self._passes.values()):
            return None
        lost = self.archive.catalog.lost(self.account.name, self.recorder.run)
        for done in self._passes.values():
            number = done.mailbox_id
            reason = suspicious_loss(
                before.get(number, 0), after.get(number, 0), lost.get(number, 0)
            )
            if reason is not None:
                done.report = replace(done.report, suspicion=reason)
                self.recorder.suspect(self._account_id, number, reason)
        return self._guard_deletions(lost, sum(before.values()))

    def _guard_deletions(self, lost: dict[int, int], before: int) -> str | None:
        walked = {done.mailbox_id for done in self._passes.values()}
        deleted = [count for number, count in lost.items() if number not in walked]
        reason = suspicious_deletion(len(deleted), sum(deleted), before)
        if reason is not None:
            self.recorder.suspect(self._account_id, None, reason)
        return reason


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
