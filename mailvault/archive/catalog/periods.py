"""Questions about a stretch of time: the runs that ended in it, and what arrived."""

from datetime import datetime

from sqlalchemy import Connection, and_, case, func, select

from mailvault.archive.catalog.tables import account, mailbox, run, run_account, run_mailbox
from mailvault.archive.catalog.views import PeriodView
from mailvault.archive.instants import to_microseconds


def list_periods(connection: Connection, since: datetime, until: datetime) -> list[PeriodView]:
    """Every account, with what ended after ``since`` and not after ``until``."""
    arrivals = _arrivals(connection, since, until)
    has_failed = run_account.c.error.is_not(None)
    query = (
        select(
            account.c.id,
            account.c.name,
            func.count(run_account.c.run).label("ended"),
            func.coalesce(func.sum(case((has_failed, 1), else_=0)), 0).label("failed"),
        )
        .outerjoin(
            run_account,
            and_(
                run_account.c.account_id == account.c.id,
                run_account.c.finished_at > to_microseconds(since),
                run_account.c.finished_at <= to_microseconds(until),
            ),
        )
        .group_by(account.c.id)
        .order_by(account.c.name)
    )
    return [
        PeriodView(
            account=row.name,
            runs_well=row.ended - row.failed,
            runs_failed=row.failed,
            arrived=arrivals.get(row.id, (0, 0))[0],
            octets=arrivals.get(row.id, (0, 0))[1],
        )
        for row in connection.execute(query)
    ]


def _arrivals(
    connection: Connection, since: datetime, until: datetime
) -> dict[int, tuple[int, int]]:
    """Messages and octets by account.

    A run counts when the account came to its end. One that was killed has no end: it counts
    when it began, once a later run shows that nobody is at it any more.
    """
    newest = select(func.max(run.c.run)).scalar_subquery()
    ended_at = case(
        (run_account.c.finished_at.is_not(None), run_account.c.finished_at),
        (run.c.run < newest, run.c.started_at),
    )
    query = (
        select(
            mailbox.c.account_id,
            func.sum(run_mailbox.c.arrived).label("arrived"),
            func.sum(run_mailbox.c.octets).label("octets"),
        )
        .join(mailbox, mailbox.c.id == run_mailbox.c.mailbox_id)
        .join(run, run.c.run == run_mailbox.c.run)
        .outerjoin(
            run_account,
            and_(
                run_account.c.run == run.c.run,
                run_account.c.account_id == mailbox.c.account_id,
            ),
        )
        .where(ended_at > to_microseconds(since), ended_at <= to_microseconds(until))
        .group_by(mailbox.c.account_id)
    )
    return {row.account_id: (row.arrived, row.octets) for row in connection.execute(query)}
