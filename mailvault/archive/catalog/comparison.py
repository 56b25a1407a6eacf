"""Whether two catalogs say the same, row by row, whatever numbers their rows have.

What is read from the messages themselves - their headers - is left out: it depends on the
content store, and is made again from it.
"""

from collections.abc import Iterator
from itertools import zip_longest

from sqlalchemy import Connection, FromClause, Select, and_, select

from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.catalog.tables import (
    account,
    debt,
    flag_change,
    flag_set,
    job,
    mailbox,
    mailbox_version,
    message,
    placement,
    quarantine,
    removal,
    run,
    run_account,
    run_mailbox,
    server_mark,
    suspicion,
)
from mailvault.archive.catalog.words import AnyQuery

_PAGE = 1000


def differences(one: Catalog, other: Catalog) -> Iterator[str]:
    """Name the tables in which the catalogs differ, each with the first rows that do."""
    with one.reading() as first, other.reading() as second:
        for name, query in _QUERIES.items():
            rows = zip_longest(_rows(first, query), _rows(second, query))
            different = next(((a, b) for a, b in rows if a != b), None)
            if different is not None:
                yield f"{name}: {different[0]} and {different[1]}"


def _rows(connection: Connection, query: AnyQuery) -> Iterator[tuple[object, ...]]:
    ordered = query.order_by(*query.selected_columns)
    rows = connection.execute(ordered.execution_options(yield_per=_PAGE))
    return (tuple(row) for row in rows)


def _without(table: FromClause, *names: str) -> "Select[*tuple[object, ...]]":
    return select(*(column for column in table.columns if column.name not in names))


_placements = (
    _without(placement, "message_id", "flag_set_id")
    .add_columns(message.c.digest, flag_set.c.flags)
    .join(message, message.c.id == placement.c.message_id)
    .join(flag_set, flag_set.c.id == placement.c.flag_set_id)
)
_flag_changes = (
    _without(flag_change, "previous_id")
    .add_columns(flag_set.c.flags)
    .join(flag_set, flag_set.c.id == flag_change.c.previous_id)
    .where(
        select(placement.c.uid)
        .where(
            and_(
                placement.c.mailbox_id == flag_change.c.mailbox_id,
                placement.c.uidvalidity == flag_change.c.uidvalidity,
                placement.c.uid == flag_change.c.uid,
            )
        )
        .exists()
    )
)

_QUERIES: dict[str, AnyQuery] = {
    "run": select(run),
    "account": select(account),
    "mailbox": select(mailbox),
    "mailbox_version": select(mailbox_version),
    "message": select(message.c.digest, message.c.size),
    "placement": _placements,
    "removal": select(removal),
    "flag_change": _flag_changes,
    "debt": select(debt),
    "run_account": select(run_account),
    "run_mailbox": select(run_mailbox),
    "server_mark": select(server_mark),
    "suspicion": _without(suspicion, "id"),
    "job": _without(job, "id"),
    "quarantine": select(quarantine),
}
