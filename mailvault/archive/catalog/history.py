"""Questions about runs, what they left owed, and what looked wrong to them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, Select, func, or_, select

from mailvault.archive import dialect
from mailvault.archive.catalog.mailboxes import MailboxNames, mailbox_names
from mailvault.archive.catalog.tables import (
    account,
    debt,
    mailbox,
    message,
    run,
    run_account,
    run_mailbox,
    suspicion,
)
from mailvault.archive.catalog.views import (
    AccountStatus,
    DebtView,
    RunAccountView,
    RunMailboxView,
    RunTimeView,
    RunView,
    Status,
    SuspicionView,
)
from mailvault.archive.catalog.words import AnyRow
from mailvault.archive.instants import from_microseconds, to_microseconds
from mailvault.mail.model import MailboxName, RunNumber, Uid

_PAGE = 100
_TIMES = 1000


def iterate_runs(
    engine: Engine, of: str | None, limit: int | None, until: int | None = None
) -> Iterator[RunView]:
    """The runs up to ``until``, newest first, in short reads."""
    before = None if until is None else until + 1
    left = limit
    while left is None or left > 0:
        with engine.connect() as connection:
            page = _page_of_runs(connection, of, before, _PAGE if left is None else left)
        if page and before is not None:
            dialect.require_progress(-before, -page[-1].run)
        yield from page
        if len(page) < (_PAGE if left is None else min(_PAGE, left)):
            return
        before = page[-1].run
        left = None if left is None else left - len(page)


def iterate_run_times(engine: Engine) -> Iterator[RunTimeView]:
    """When the runs were, newest first, in short reads."""
    query = select(run.c.run, run.c.started_at, run.c.finished_at).order_by(run.c.run.desc())
    before: int | None = None
    while True:
        some = query if before is None else query.where(run.c.run < before)
        with engine.connect() as connection:
            rows = connection.execute(some.limit(_TIMES)).all()
        if rows and before is not None:
            dialect.require_progress(-before, -rows[-1].run)
        for row in rows:
            yield RunTimeView(
                RunNumber(row.run),
                from_microseconds(row.started_at),
                _instant(row.finished_at),
            )
        if len(rows) < _TIMES:
            return
        before = rows[-1].run


def _page_of_runs(
    connection: Connection, of: str | None, before: int | None, limit: int
) -> list[RunView]:
    query = select(run).order_by(run.c.run.desc()).limit(min(limit, _PAGE))
    if before is not None:
        query = query.where(run.c.run < before)
    if of is not None:
        query = query.where(or_(run.c.run.in_(_by_account(of)), run.c.run.in_(_by_mailbox(of))))
    rows = connection.execute(query).all()
    accounts = _accounts_of(connection, [row.run for row in rows], of)
    return [
        RunView(
            run=RunNumber(row.run),
            started_at=from_microseconds(row.started_at),
            finished_at=_instant(row.finished_at),
            exit_code=row.exit_code,
            accounts=tuple(accounts[row.run]),
        )
        for row in rows
    ]


def _by_account(of: str) -> "Select[int]":
    return (
        select(run_account.c.run)
        .join(account, account.c.id == run_account.c.account_id)
        .where(account.c.name == of)
    )


def _by_mailbox(of: str) -> "Select[int]":
    return (
        select(run_mailbox.c.run)
        .join(mailbox, mailbox.c.id == run_mailbox.c.mailbox_id)
        .join(account, account.c.id == mailbox.c.account_id)
        .where(account.c.name == of)
    )


def _accounts_of(
    connection: Connection, runs: Sequence[int], of: str | None
) -> dict[int, list[RunAccountView]]:
    mailboxes = _mailboxes_of(connection, runs)
    query = (
        select(account.c.name, run_account)
        .join(account, account.c.id == run_account.c.account_id)
        .where(run_account.c.run.in_(runs))
    )
    ends = {(row.run, row.name): row for row in connection.execute(query)}
    views: dict[int, list[RunAccountView]] = defaultdict(list)
    for number, name in sorted({*ends, *mailboxes}):
        if of in (None, name):
            end = ends.get((number, name))
            finished_at, error = (None, None) if end is None else (end.finished_at, end.error)
            changed = tuple(mailboxes.get((number, name), ()))
            views[number].append(RunAccountView(name, _instant(finished_at), error, changed))
    return views


def _mailboxes_of(
    connection: Connection, runs: Sequence[int]
) -> dict[tuple[int, str], list[RunMailboxView]]:
    names = mailbox_names(connection)
    query = (
        select(account.c.name, run_mailbox)
        .join(mailbox, mailbox.c.id == run_mailbox.c.mailbox_id)
        .join(account, account.c.id == mailbox.c.account_id)
        .where(run_mailbox.c.run.in_(runs))
    )
    views: dict[tuple[int, str], list[RunMailboxView]] = defaultdict(list)
    for row in connection.execute(query):
        view = RunMailboxView(
            mailbox=names.at(row.mailbox_id, row.run),
            arrived=row.arrived,
            flags_changed=row.flags_changed,
            expunged=row.expunged,
            unreadable=row.unreadable,
            octets=row.octets,
            seconds=row.milliseconds / 1000,
            error=row.error,
        )
        views[row.run, row.name].append(view)
    return views


def list_successes(connection: Connection, of: str, limit: int) -> list[RunNumber]:
    """The newest runs in which an account was done without an error."""
    query = (
        select(run_account.c.run)
        .join(account, account.c.id == run_account.c.account_id)
        .where(account.c.name == of, run_account.c.error.is_(None))
        .order_by(run_account.c.run.desc())
        .limit(limit)
    )
    return [RunNumber(each) for each in connection.scalars(query)]


def find_run_at(connection: Connection, instant: datetime) -> RunNumber | None:
    """The last run that had begun by then."""
    query = select(func.max(run.c.run)).where(run.c.started_at <= to_microseconds(instant))
    found = connection.scalar(query)
    return None if found is None else RunNumber(found)


def list_debts(connection: Connection, of: str | None) -> list[DebtView]:
    names = mailbox_names(connection)
    query = (
        select(account.c.name, run.c.started_at, debt)
        .join(mailbox, mailbox.c.id == debt.c.mailbox_id)
        .join(account, account.c.id == mailbox.c.account_id)
        .join(run, run.c.run == debt.c.first_run)
        .where(debt.c.settled_run.is_(None))
        .order_by(account.c.name, *debt.primary_key)
    )
    if of is not None:
        query = query.where(account.c.name == of)
    return [
        DebtView(
            account=row.name,
            mailbox=names.last(row.mailbox_id),
            uidvalidity=row.uidvalidity,
            uid=Uid(row.uid),
            reason=row.reason,
            attempts=row.attempts,
            owed_since=from_microseconds(row.started_at),
        )
        for row in connection.execute(query)
    ]


def list_suspicions(connection: Connection, of: str | None) -> list[SuspicionView]:
    """What no person has accepted yet."""
    names = mailbox_names(connection)
    query = (
        select(account.c.name, run.c.started_at, suspicion)
        .join(account, account.c.id == suspicion.c.account_id)
        .join(run, run.c.run == suspicion.c.run)
        .where(suspicion.c.accepted_run.is_(None))
        .order_by(suspicion.c.id)
    )
    if of is not None:
        query = query.where(account.c.name == of)
    return [
        SuspicionView(
            account=row.name,
            mailbox=_name(names, row.mailbox_id, row.run),
            run=RunNumber(row.run),
            at=from_microseconds(row.started_at),
            reason=row.reason,
        )
        for row in connection.execute(query)
    ]


def read_status(connection: Connection) -> Status:
    totals = connection.execute(
        select(func.count(), func.coalesce(func.sum(message.c.size), 0)).select_from(message)
    ).one()
    accounts = [
        _account_status(connection, row)
        for row in connection.execute(select(account).order_by(account.c.name)).all()
    ]
    return Status(
        messages=totals[0],
        placements=sum(each.messages for each in accounts),
        octets=totals[1],
        accounts=tuple(accounts),
    )


def _account_status(connection: Connection, row: AnyRow) -> AccountStatus:
    finished = (
        select(run_account.c.finished_at, run_account.c.error)
        .where(run_account.c.account_id == row.id)
        .order_by(run_account.c.run.desc())
        .limit(1)
    )
    last = connection.execute(finished).first()
    success = connection.execute(finished.where(run_account.c.error.is_(None))).first()
    messages, octets = connection.execute(
        select(
            func.coalesce(func.sum(mailbox.c.messages), 0),
            func.coalesce(func.sum(mailbox.c.octets), 0),
        ).where(mailbox.c.account_id == row.id)
    ).one()
    return AccountStatus(
        account=row.name,
        protocol=row.protocol,
        last_run=_instant(last.finished_at) if last else None,
        last_success=_instant(success.finished_at) if success else None,
        last_error=last.error if last else None,
        messages=messages,
        octets=octets,
        debts=len(list_debts(connection, row.name)),
        suspicions=len(list_suspicions(connection, row.name)),
    )


def _name(names: MailboxNames, mailbox_id: int | None, at: int) -> MailboxName | None:
    return None if mailbox_id is None else names.at(mailbox_id, at)


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else from_microseconds(microseconds)
