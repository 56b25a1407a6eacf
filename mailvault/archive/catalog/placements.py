"""Questions about messages in mailboxes, now or at a past run, in pages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    and_,
    func,
    or_,
    select,
    tuple_,
)

from mailvault.archive import dialect
from mailvault.archive.catalog.mailboxes import present_at
from mailvault.archive.catalog.placing import EXPUNGED
from mailvault.archive.catalog.tables import (
    flag_change,
    flag_set,
    message,
    placement,
    run,
    server_mark,
)
from mailvault.archive.catalog.views import MailboxView, PlacementView
from mailvault.archive.catalog.words import AnyQuery, AnyRow, read_flags
from mailvault.archive.instants import from_microseconds, from_seconds, with_zone
from mailvault.mail.model import Digest, Flags, RunNumber, Uid

PAGE = 1000

Key: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Page:
    """Some placements of one mailbox, and where the next page begins."""

    views: list[PlacementView]
    end: Key | None


def gone_at(at: RunNumber | None) -> ColumnElement[bool]:
    """The condition for what the server expunged; renumbered messages are not gone."""
    is_expunged: ColumnElement[bool] = placement.c.gone_how == EXPUNGED
    return is_expunged if at is None else and_(is_expunged, placement.c.gone_run <= at)


def read_page(
    connection: Connection, query: AnyQuery, mailbox: MailboxView, after: Key | None
) -> Page:
    """Read the placements of a mailbox behind ``after``: short reads block no writer."""
    key = (placement.c.uidvalidity, placement.c.uid, placement.c.first_run)
    query = query.where(placement.c.mailbox_id == mailbox.mailbox_id)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    rows = connection.execute(query.order_by(*key).limit(PAGE)).all()
    if not rows:
        return Page([], None)
    last = (rows[-1].uidvalidity, rows[-1].uid, rows[-1].first_run)
    dialect.require_progress(after, last)
    return Page([view_of(row, mailbox) for row in rows], last if len(rows) == PAGE else None)


def placements_of(
    connection: Connection, digest: Digest, mailboxes: Mapping[int, MailboxView]
) -> list[PlacementView]:
    """Every placement a message has or had."""
    query = select_placements(None).where(message.c.digest == digest.value)
    rows = connection.execute(query.order_by(*placement.primary_key)).all()
    return [view_of(row, mailboxes[row.mailbox_id]) for row in rows]


def select_placements(at: RunNumber | None) -> AnyQuery:
    """All that a view needs, with the flags of that run."""
    begun, ended = run.alias(), run.alias()
    flags = flags_at(at)
    return (
        select(
            placement.c.mailbox_id,
            placement.c.uidvalidity,
            placement.c.uid,
            placement.c.first_run,
            placement.c.gone_run,
            placement.c.uidl,
            placement.c.internal_date,
            placement.c.internal_zone,
            message.c.digest,
            message.c.size,
            message.c.message_id,
            message.c.date,
            message.c.sender,
            message.c.subject,
            flag_set.c.flags,
            server_mark.c.labels,
            begun.c.started_at.label("first_seen"),
            ended.c.started_at.label("gone_since"),
        )
        .join(message, message.c.id == placement.c.message_id)
        .join(flag_set, flag_set.c.id == flags)
        .join(begun, begun.c.run == placement.c.first_run)
        .outerjoin(ended, _is_end(ended.c.run, at))
        .outerjoin(server_mark, _is_mark())
    )


def flags_at(at: RunNumber | None) -> ColumnElement[int]:
    """The number of the flags that a placement has now, or had after a run."""
    flags: ColumnElement[int] = placement.c.flag_set_id
    return flags if at is None else func.coalesce(_previous_flags(at), flags)


def _is_mark() -> ColumnElement[bool]:
    return and_(
        server_mark.c.mailbox_id == placement.c.mailbox_id,
        server_mark.c.uidvalidity == placement.c.uidvalidity,
        server_mark.c.uid == placement.c.uid,
    )


def select_present(at: RunNumber | None) -> AnyQuery:
    return select_placements(at).where(present_at(at))


def select_gone(at: RunNumber | None) -> AnyQuery:
    return select_placements(at).where(gone_at(at))


def _is_end(number: ColumnElement[int], at: RunNumber | None) -> ColumnElement[bool]:
    """What was gone only later was not yet gone at that run."""
    is_end: ColumnElement[bool] = number == placement.c.gone_run
    return is_end if at is None else and_(is_end, placement.c.gone_run <= at)


def _previous_flags(at: RunNumber) -> ScalarSelect[int]:
    """The flags before the first change after the run, if there was one while it lasted."""
    change, here = flag_change.c, placement.c
    return (
        select(change.previous_id)
        .where(
            change.mailbox_id == here.mailbox_id,
            change.uidvalidity == here.uidvalidity,
            change.uid == here.uid,
            change.run > at,
            change.run > here.first_run,
            or_(here.gone_run.is_(None), change.run <= here.gone_run),
        )
        .order_by(change.run)
        .limit(1)
        .scalar_subquery()
    )


def view_of(row: AnyRow, mailbox: MailboxView) -> PlacementView:
    internal_date = row.internal_date
    if internal_date is not None:
        internal_date = with_zone(internal_date, row.internal_zone)
    return PlacementView(
        account=mailbox.account,
        mailbox=mailbox.name,
        uidvalidity=row.uidvalidity,
        uid=Uid(row.uid),
        uidl=row.uidl,
        digest=Digest(row.digest),
        size=row.size,
        internal_date=internal_date,
        flags=_flags(row.flags),
        message_id=row.message_id,
        date=None if row.date is None else from_seconds(row.date),
        from_=row.sender,
        subject=row.subject,
        first_seen=from_microseconds(row.first_seen),
        gone_since=None if row.gone_since is None else from_microseconds(row.gone_since),
        labels=None if row.labels is None else frozenset(json.loads(row.labels)),
    )


@lru_cache(maxsize=1024)
def _flags(text: str) -> Flags:
    return read_flags(text)
