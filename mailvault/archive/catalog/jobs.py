"""Questions about commands that are no runs of sync: verify, drill, copy and their like."""

from sqlalchemy import Connection, func, select

from mailvault.archive.catalog.tables import job
from mailvault.archive.catalog.views import JobView
from mailvault.archive.catalog.words import AnyRow
from mailvault.archive.instants import from_microseconds


def list_jobs(connection: Connection, limit: int) -> list[JobView]:
    """The newest, newest first."""
    rows = connection.execute(select(job).order_by(job.c.id.desc()).limit(limit))
    return [_view(row) for row in rows]


def list_last_jobs(connection: Connection) -> list[JobView]:
    """The last of each kind and account, oldest first."""
    last = select(func.max(job.c.id)).group_by(job.c.kind, job.c.account)
    rows = connection.execute(select(job).where(job.c.id.in_(last)).order_by(job.c.id))
    return [_view(row) for row in rows]


def _view(row: AnyRow) -> JobView:
    return JobView(
        kind=row.kind,
        account=row.account,
        started_at=from_microseconds(row.started_at),
        finished_at=from_microseconds(row.finished_at),
        exit_code=row.exit_code,
        checked=row.checked,
        octets=row.octets,
        detail=row.detail,
    )
