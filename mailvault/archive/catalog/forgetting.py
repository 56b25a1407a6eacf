"""What a policy may let go: messages that lie in no mailbox any more, and how they go."""

from collections.abc import Iterator, Sequence

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)

from mailvault.archive.catalog.mailboxes import MailboxNames
from mailvault.archive.catalog.messages import find_messages
from mailvault.archive.catalog.placing import EXPUNGED
from mailvault.archive.catalog.tables import (
    account,
    flag_change,
    forgotten,
    mailbox,
    message,
    metadata,
    placement,
    proof,
    removal,
    server_mark,
)
from mailvault.archive.catalog.views import EndingView, ExpungedView
from mailvault.archive.catalog.words import AnyRow, chunked
from mailvault.archive.dialect import PARAMETERS, execute_many, insert
from mailvault.archive.instants import from_seconds
from mailvault.mail.model import Digest, RunNumber

PAGE = 500


def forget_messages(connection: Connection, digests: Sequence[Digest]) -> None:
    """Remove messages and all their places. One that lies in a mailbox now is left alone."""
    for some in chunked(list(find_messages(connection, digests).values()), PARAMETERS):
        numbers = connection.scalars(
            select(message.c.id).where(message.c.id.in_(some), ~_is_present())
        ).all()
        _forget(connection, numbers)
    kept = find_messages(connection, digests)
    rows = [{"digest": each.value} for each in digests if each not in kept]
    if rows:
        connection.execute(insert(forgotten).on_conflict_do_nothing(), rows)


def _forget(connection: Connection, numbers: Sequence[int]) -> None:
    chosen = message.c.id.in_(numbers)
    places = _places(connection, numbers)
    connection.execute(delete(placement).where(placement.c.message_id.in_(numbers)))
    if places:
        execute_many(connection, _UNCHANGE, places)
        execute_many(connection, _UNMARK, places)
        execute_many(connection, _UNREMOVE, places)
    for column in _REFERENCES:
        connection.execute(delete(column.table).where(column.in_(numbers)))
    connection.execute(delete(message).where(chosen))
    _unprove_beyond(connection)


def _unprove_beyond(connection: Connection) -> None:
    """The highest numbers may be given again, to messages that nobody has verified."""
    highest = connection.scalar(select(func.max(message.c.id))) or 0
    connection.execute(delete(proof).where(proof.c.first_message > highest))
    connection.execute(
        update(proof).where(proof.c.last_message > highest).values(last_message=highest)
    )


def _places(connection: Connection, numbers: Sequence[int]) -> list[dict[str, int]]:
    query = select(
        placement.c.mailbox_id.label("in_mailbox"),
        placement.c.uidvalidity.label("under"),
        placement.c.uid.label("number"),
        placement.c.first_run.label("since"),
        placement.c.gone_run.label("until"),
    ).where(placement.c.message_id.in_(numbers))
    return [dict(row._mapping) for row in connection.execute(query)]


def read_expunged(
    connection: Connection, names: MailboxNames, after: int
) -> tuple[list[ExpungedView], int | None]:
    """A page of the messages that lie in no mailbox any more, and where the next begins."""
    query = (
        select(message)
        .where(message.c.id > after, ~_is_present())
        .order_by(message.c.id)
        .limit(PAGE)
    )
    rows = connection.execute(query).all()
    endings = _endings(connection, [row.id for row in rows], names)
    views = [_view(row, endings.get(row.id, [])) for row in rows]
    return views, rows[-1].id if len(rows) == PAGE else None


def list_forgotten(connection: Connection) -> Iterator[Digest]:
    """What was forgotten and has not come back."""
    yield from map(Digest, connection.scalars(select(forgotten.c.digest)))


def _endings(
    connection: Connection, numbers: Sequence[int], names: MailboxNames
) -> dict[int, list[EndingView]]:
    query = (
        select(
            placement.c.message_id,
            placement.c.mailbox_id,
            placement.c.gone_run,
            placement.c.gone_how,
            account.c.name,
        )
        .join(mailbox, mailbox.c.id == placement.c.mailbox_id)
        .join(account, account.c.id == mailbox.c.account_id)
    )
    endings: dict[int, list[EndingView]] = {}
    for some in chunked(numbers, PARAMETERS):
        for row in connection.execute(query.where(placement.c.message_id.in_(some))):
            endings.setdefault(row.message_id, []).append(
                EndingView(
                    account=row.name,
                    mailbox=names.last(row.mailbox_id),
                    gone_run=RunNumber(row.gone_run),
                    is_expunged=row.gone_how == EXPUNGED,
                )
            )
    return endings


def _view(row: AnyRow, endings: list[EndingView]) -> ExpungedView:
    return ExpungedView(
        digest=Digest(row.digest),
        size=row.size,
        subject=row.subject,
        date=None if row.date is None else from_seconds(row.date),
        endings=tuple(endings),
    )


def _is_present() -> ColumnElement[bool]:
    return exists().where(
        placement.c.message_id == message.c.id, placement.c.gone_run.is_(None)
    )


def _is_bound(table: Table) -> ColumnElement[bool]:
    where: ColumnElement[bool] = (
        (table.c.mailbox_id == bindparam("in_mailbox"))
        & (table.c.uidvalidity == bindparam("under"))
        & (table.c.uid == bindparam("number"))
    )
    return where


_UNCHANGE = delete(flag_change).where(  # another message may have had the UID before
    _is_bound(flag_change),
    flag_change.c.run > bindparam("since"),
    flag_change.c.run <= bindparam("until"),
)
_UNMARK = delete(server_mark).where(
    _is_bound(server_mark),
    ~exists().where(
        placement.c.mailbox_id == server_mark.c.mailbox_id,
        placement.c.uidvalidity == server_mark.c.uidvalidity,
        placement.c.uid == server_mark.c.uid,
    ),
)
_UNREMOVE = delete(removal).where(_is_bound(removal), removal.c.run == bindparam("until"))
_REFERENCES = [
    column
    for table in metadata.sorted_tables
    if table is not placement
    for column in table.columns
    if any(key.column is message.c.id for key in column.foreign_keys)
]
"""Whatever else is kept by message, such as its attachments."""
