"""What a run took away: messages expunged from a mailbox that lie nowhere else any more.

What the server deleted because we asked for it is no loss.
"""

from collections import defaultdict

from sqlalchemy import Connection, and_, exists, func, select

from mailvault.archive.catalog.placing import EXPUNGED
from mailvault.archive.catalog.tables import (
    account,
    mailbox,
    message,
    placement,
    removal,
    run_account,
)
from mailvault.mail.model import RunNumber

MOST_COMPARED = 100_000
"""Messages that went in a run, of which it is asked whether they came back as others."""

_WENT = and_(
    placement.c.gone_how == EXPUNGED,
    ~exists().where(
        removal.c.mailbox_id == placement.c.mailbox_id,
        removal.c.uidvalidity == placement.c.uidvalidity,
        removal.c.uid == placement.c.uid,
        removal.c.run == placement.c.gone_run,
    ),
)


def find_first_unjudged(connection: Connection, of: str) -> RunNumber:
    """The run after the last one that an account finished, and was judged by."""
    query = (
        select(func.max(run_account.c.run))
        .join(account, account.c.id == run_account.c.account_id)
        .where(account.c.name == of)
    )
    return RunNumber((connection.scalar(query) or 0) + 1)


def count_lost(
    connection: Connection, of: str, since: RunNumber, before: RunNumber | None
) -> dict[int, int]:
    """By mailbox; a message that was moved to another mailbox of the account is not lost.

    Only what runs ``since`` then missed; with ``before`` only runs before that one.
    """
    elsewhere, its_mailbox = placement.alias(), mailbox.alias()
    is_kept = exists().where(
        elsewhere.c.message_id == placement.c.message_id,
        elsewhere.c.gone_run.is_(None),
        its_mailbox.c.id == elsewhere.c.mailbox_id,
        its_mailbox.c.account_id == mailbox.c.account_id,
    )
    query = (
        select(placement.c.mailbox_id, func.count().label("lost"))
        .join(mailbox, mailbox.c.id == placement.c.mailbox_id)
        .join(account, account.c.id == mailbox.c.account_id)
        .where(account.c.name == of, placement.c.gone_run >= since)
        .where(_WENT, ~is_kept)
        .group_by(placement.c.mailbox_id)
    )
    if before is not None:
        query = query.where(placement.c.gone_run < before)
    return {row.mailbox_id: row.lost for row in connection.execute(query)}


def count_gone(connection: Connection, of: str, since: RunNumber) -> tuple[int, int]:
    """Messages of an account, and their octets, that runs since then missed everywhere."""
    elsewhere, its_mailbox = placement.alias(), mailbox.alias()
    is_there = exists().where(
        elsewhere.c.message_id == placement.c.message_id,
        elsewhere.c.gone_run.is_(None),
        its_mailbox.c.id == elsewhere.c.mailbox_id,
        its_mailbox.c.account_id == mailbox.c.account_id,
    )
    gone = (
        select(placement.c.message_id)
        .join(mailbox, mailbox.c.id == placement.c.mailbox_id)
        .join(account, account.c.id == mailbox.c.account_id)
        .where(account.c.name == of, placement.c.gone_run >= since)
        .where(_WENT, ~is_there)
        .distinct()
    )
    query = select(func.count(), func.coalesce(func.sum(message.c.size), 0)).where(
        message.c.id.in_(gone)
    )
    messages, octets = connection.execute(query).one()
    return messages, octets


def count_replaced(connection: Connection, of: str, since: RunNumber) -> dict[int, int]:
    """By mailbox: messages that went, while one with their Message-ID and other octets came.

    Of very many that went only the first are looked at: they are alarm enough.
    """
    ours = (
        select(placement.c.mailbox_id, placement.c.message_id.label("number"))
        .add_columns(message.c.message_id.label("name"))
        .join(message, message.c.id == placement.c.message_id)
        .join(mailbox, mailbox.c.id == placement.c.mailbox_id)
        .join(account, account.c.id == mailbox.c.account_id)
        .where(account.c.name == of, message.c.message_id.is_not(None))
    )
    is_expunged = and_(placement.c.gone_run >= since, _WENT)
    went: dict[tuple[int, str], set[int]] = defaultdict(set)
    for row in connection.execute(ours.where(is_expunged).limit(MOST_COMPARED)):
        went[row.mailbox_id, row.name].add(row.number)
    is_new = and_(placement.c.first_run >= since, placement.c.gone_run.is_(None))
    replaced: dict[int, int] = defaultdict(int)
    for row in connection.execute(ours.where(is_new)) if went else ():
        numbers = went.get((row.mailbox_id, row.name), set())
        if numbers - {row.number}:
            replaced[row.mailbox_id] += len(went.pop((row.mailbox_id, row.name)))
    return dict(replaced)
