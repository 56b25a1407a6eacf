"""Questions about accounts and mailboxes, now or at a past run."""

import json
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from mailvault.archive.catalog.tables import (
    account,
    mailbox,
    mailbox_version,
    message,
    placement,
)
from mailvault.archive.catalog.views import AccountView, MailboxView
from mailvault.archive.catalog.words import AnyQuery, AnyRow, read_name
from mailvault.mail.model import Cursor, MailboxName, RunNumber

Counts = dict[int, tuple[int, int]]


def list_accounts(connection: Connection) -> list[AccountView]:
    query = select(account.c.id, account.c.name, account.c.protocol).order_by(account.c.name)
    return [AccountView(*row) for row in connection.execute(query)]


def list_mailboxes(
    connection: Connection, of: str | None, at: RunNumber | None
) -> list[MailboxView]:
    """The mailboxes as they were after a run, gone ones too, in a reader's order."""
    counts = None if at is None else _counts(connection, at)
    versions: dict[int, MailboxView] = {}
    for row in connection.execute(_versions(of, at)):  # the last version of each wins
        versions[row.mailbox_id] = _view(row, at, counts)
    return sorted(versions.values(), key=_reading_order)


@dataclass(frozen=True, slots=True)
class MailboxNames:
    """What every mailbox was called at every run."""

    versions: dict[int, list[tuple[int, MailboxName]]]

    def at(self, mailbox_id: int, run: int) -> MailboxName:
        """The name in that run; the first one for a run before the mailbox was known."""
        versions = self.versions[mailbox_id]
        known = [name for first_run, name in versions if first_run <= run]
        return known[-1] if known else versions[0][1]

    def last(self, mailbox_id: int) -> MailboxName:
        return self.versions[mailbox_id][-1][1]


def mailbox_names(connection: Connection) -> MailboxNames:
    columns = mailbox_version.c
    query = select(columns.mailbox_id, columns.first_run, columns.name)
    names: dict[int, list[tuple[int, MailboxName]]] = {}
    for mailbox_id, first_run, name in connection.execute(query.order_by(columns.first_run)):
        names.setdefault(mailbox_id, []).append((first_run, read_name(name)))
    return MailboxNames(names)


def present_at(at: RunNumber | None) -> ColumnElement[bool]:
    """The condition for placements that are there now, or were after a run."""
    gone_run: ColumnElement[int] = placement.c.gone_run
    if at is None:
        return gone_run.is_(None)
    return and_(placement.c.first_run <= at, or_(gone_run.is_(None), gone_run > at))


def _versions(of: str | None, at: RunNumber | None) -> AnyQuery:
    query = (
        select(
            mailbox_version,
            account.c.name.label("account"),
            mailbox.c.messages,
            mailbox.c.octets,
            mailbox.c.uidvalidity,
            mailbox.c.cursor,
        )
        .join(mailbox, mailbox.c.id == mailbox_version.c.mailbox_id)
        .join(account, account.c.id == mailbox.c.account_id)
        .order_by(mailbox_version.c.first_run)
    )
    if of is not None:
        query = query.where(account.c.name == of)
    if at is not None:
        query = query.where(mailbox_version.c.first_run <= at)
    return query


def _view(row: AnyRow, at: RunNumber | None, counts: Counts | None) -> MailboxView:
    messages, octets = (
        (row.messages, row.octets) if counts is None else counts.get(row.mailbox_id, (0, 0))
    )
    return MailboxView(
        mailbox_id=row.mailbox_id,
        account=row.account,
        name=read_name(row.name),
        messages=messages,
        octets=octets,
        special_use=row.special_use,
        is_subscribed=None if row.is_subscribed is None else bool(row.is_subscribed),
        attributes=frozenset(json.loads(row.attributes)),
        is_selectable=bool(row.is_selectable),
        uidvalidity=row.uidvalidity,
        cursor=None if row.cursor is None else Cursor(row.cursor),
        is_gone=row.gone_run is not None and (at is None or row.gone_run <= at),
    )


def _counts(connection: Connection, at: RunNumber) -> Counts:
    query = (
        select(placement.c.mailbox_id, func.count(), func.sum(message.c.size))
        .join(message, message.c.id == placement.c.message_id)
        .where(present_at(at))
        .group_by(placement.c.mailbox_id)
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def _reading_order(view: MailboxView) -> tuple[str, bool, tuple[str, ...], int]:
    return view.account, view.name.parts[0] != "INBOX", view.name.parts, view.mailbox_id
