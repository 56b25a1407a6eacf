"""Questions about what a mailbox shows today: what a server of the archive must know."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import ColumnElement, Connection, and_, func, select

from mailvault.archive.catalog.mailboxes import list_mailboxes
from mailvault.archive.catalog.tables import (
    account,
    flag_set,
    message,
    placement,
)
from mailvault.archive.catalog.words import AnyQuery, chunked, read_flags
from mailvault.archive.dialect import PARAMETERS
from mailvault.mail.model import Digest, Flags, MailboxName, Uid

PAGE = 1000

_flags = lru_cache(maxsize=1024)(read_flags)


@dataclass(frozen=True, slots=True)
class ServedMailbox:
    """A mailbox that is there today."""

    mailbox_id: int
    account: str
    name: MailboxName
    is_selectable: bool
    is_subscribed: bool
    uidvalidity: int | None


@dataclass(frozen=True, slots=True)
class ServedMessage:
    """A message that is there today; ``seconds`` is its INTERNALDATE."""

    uid: Uid
    run: int
    digest: Digest
    size: int
    flags: Flags
    seconds: int | None


def served_accounts(connection: Connection) -> list[str]:
    return list(connection.scalars(select(account.c.name).order_by(account.c.name)))


def served_mailboxes(connection: Connection) -> list[ServedMailbox]:
    """All mailboxes that are not gone."""
    return [
        ServedMailbox(
            mailbox_id=view.mailbox_id,
            account=view.account,
            name=view.name,
            is_selectable=view.is_selectable,
            is_subscribed=bool(view.is_subscribed),
            uidvalidity=view.uidvalidity,
        )
        for view in list_mailboxes(connection, None, None)
        if not view.is_gone
    ]


def highest_uid(connection: Connection, mailbox_id: int, uidvalidity: int) -> int:
    """The highest UID ever seen under a UIDVALIDITY; 0 while there is none."""
    query = select(func.max(placement.c.uid))
    return connection.scalar(query.where(_is_here(mailbox_id, uidvalidity))) or 0


def served_page(
    connection: Connection, mailbox_id: int, uidvalidity: int, after: int
) -> list[ServedMessage]:
    """The next messages above a UID, ascending."""
    query = _messages(mailbox_id, uidvalidity).where(placement.c.uid > after).limit(PAGE)
    return list(_read(connection, query))


def served_among(
    connection: Connection, mailbox_id: int, uidvalidity: int, uids: Collection[int]
) -> dict[int, ServedMessage]:
    """Those of some UIDs that are there today."""
    query = _messages(mailbox_id, uidvalidity)
    return {
        each.uid: each
        for some in chunked(sorted(uids), PARAMETERS)
        for each in _read(connection, query.where(placement.c.uid.in_(some)))
    }


def places_of(connection: Connection, digest: Digest) -> list[tuple[int, int]]:
    """The mailboxes in which a message lies today, and its UIDs there."""
    query = (
        select(placement.c.mailbox_id, placement.c.uid)
        .join(message, message.c.id == placement.c.message_id)
        .where(message.c.digest == digest.value, placement.c.gone_run.is_(None))
    )
    return [(mailbox_id, uid) for mailbox_id, uid in connection.execute(query)]


def _messages(mailbox_id: int, uidvalidity: int) -> AnyQuery:
    return (
        select(
            placement.c.uid,
            placement.c.first_run,
            message.c.digest,
            message.c.size,
            flag_set.c.flags,
            placement.c.internal_date,
        )
        .join(message, message.c.id == placement.c.message_id)
        .join(flag_set, flag_set.c.id == placement.c.flag_set_id)
        .where(_is_here(mailbox_id, uidvalidity), placement.c.gone_run.is_(None))
        .order_by(placement.c.uid)
    )


def _is_here(mailbox_id: int, uidvalidity: int) -> ColumnElement[bool]:
    return and_(placement.c.mailbox_id == mailbox_id, placement.c.uidvalidity == uidvalidity)


def _read(connection: Connection, query: AnyQuery) -> Iterator[ServedMessage]:
    for row in connection.execute(query):
        yield ServedMessage(
            uid=Uid(row.uid),
            run=row.first_run,
            digest=Digest(row.digest),
            size=row.size,
            flags=_flags(row.flags),
            seconds=row.internal_date,
        )
