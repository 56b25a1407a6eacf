"""What a run took away: messages expunged from a mailbox that lie nowhere else any more."""

from sqlalchemy import Connection, and_, exists, func, select

from mailvault.archive.catalog.placing import EXPUNGED
from mailvault.archive.catalog.tables import account, mailbox, message, placement
from mailvault.mail.model import RunNumber


def count_lost(connection: Connection, of: str, run: RunNumber) -> dict[int, int]:
    """By mailbox; a message that was moved to another mailbox of the account is not lost."""
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
        .where(account.c.name == of, placement.c.gone_run == run)
        .where(placement.c.gone_how == EXPUNGED, ~is_kept)
        .group_by(placement.c.mailbox_id)
    )
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
        .where(placement.c.gone_how == EXPUNGED, ~is_there)
        .distinct()
    )
    query = select(func.count(), func.coalesce(func.sum(message.c.size), 0)).where(
        message.c.id.in_(gone)
    )
    messages, octets = connection.execute(query).one()
    return messages, octets


def count_replaced(connection: Connection, of: str, run: RunNumber) -> dict[int, int]:
    """By mailbox: messages that went, while one with their Message-ID and other octets came."""
    ours = (
        select(
            placement.c.mailbox_id,
            placement.c.uidvalidity,
            placement.c.uid,
            placement.c.message_id.label("number"),
            message.c.message_id.label("name"),
        )
        .join(message, message.c.id == placement.c.message_id)
        .join(mailbox, mailbox.c.id == placement.c.mailbox_id)
        .join(account, account.c.id == mailbox.c.account_id)
        .where(account.c.name == of, message.c.message_id.is_not(None))
    )
    is_expunged = and_(placement.c.gone_run == run, placement.c.gone_how == EXPUNGED)
    went = ours.where(is_expunged).cte("went")
    came = ours.where(placement.c.first_run == run, placement.c.gone_run.is_(None)).cte("came")
    is_variant = and_(
        came.c.mailbox_id == went.c.mailbox_id,
        came.c.name == went.c.name,
        came.c.number != went.c.number,
    )
    pairs = (
        select(went.c.mailbox_id, went.c.uidvalidity, went.c.uid)
        .join(came, is_variant)
        .distinct()
        .subquery()
    )
    query = select(pairs.c.mailbox_id, func.count().label("replaced")).group_by(
        pairs.c.mailbox_id
    )
    return {row.mailbox_id: row.replaced for row in connection.execute(query)}
