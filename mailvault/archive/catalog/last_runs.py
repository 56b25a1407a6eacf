"""Questions about the last run of each account, and about how fast the archive grows."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from mailvault.archive.catalog.tables import account, mailbox, run, run_account, run_mailbox
from mailvault.archive.catalog.views import LastRunView
from mailvault.archive.instants import from_microseconds, to_microseconds


def list_last_runs(connection: Connection) -> list[LastRunView]:
    """The last run that each account came to the end of."""
    last = (
        select(run_account.c.account_id, func.max(run_account.c.run).label("run"))
        .group_by(run_account.c.account_id)
        .subquery()
    )
    query = (
        select(account.c.id, account.c.name, run, run_account.c.finished_at.label("ended_at"))
        .join(last, last.c.account_id == account.c.id)
        .join(run, run.c.run == last.c.run)
        .join(
            run_account,
            (run_account.c.run == last.c.run) & (run_account.c.account_id == account.c.id),
        )
        .order_by(account.c.name)
    )
    views = []
    for row in connection.execute(query).all():
        arrived, octets = connection.execute(
            select(
                func.coalesce(func.sum(run_mailbox.c.arrived), 0),
                func.coalesce(func.sum(run_mailbox.c.octets), 0),
            )
            .join(mailbox, mailbox.c.id == run_mailbox.c.mailbox_id)
            .where(run_mailbox.c.run == row.run, mailbox.c.account_id == row.id)
        ).one()
        views.append(
            LastRunView(
                account=row.name,
                run=row.run,
                started_at=from_microseconds(row.started_at),
                finished_at=from_microseconds(row.ended_at),
                exit_code=row.exit_code,
                arrived=arrived,
                octets=octets,
            )
        )
    return views


def sum_growth(connection: Connection, since: datetime) -> tuple[datetime | None, int]:
    """When regular growth began within that time, and the octets that arrived since.

    What an account brought until its first success is its past, and no measure of the future.
    """
    first = (
        select(run_account.c.account_id, func.min(run_account.c.run).label("run"))
        .where(run_account.c.error.is_(None))
        .group_by(run_account.c.account_id)
        .subquery()
    )
    beginning = connection.scalar(
        select(func.min(run.c.started_at)).join(first, first.c.run == run.c.run)
    )
    if beginning is None:
        return None, 0
    octets = connection.scalar(
        select(func.coalesce(func.sum(run_mailbox.c.octets), 0))
        .join(mailbox, mailbox.c.id == run_mailbox.c.mailbox_id)
        .join(first, first.c.account_id == mailbox.c.account_id)
        .join(run, run.c.run == run_mailbox.c.run)
        .where(run_mailbox.c.run > first.c.run, run.c.started_at >= to_microseconds(since))
    )
    return max(from_microseconds(beginning), since), octets or 0
