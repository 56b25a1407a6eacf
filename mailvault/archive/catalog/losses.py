"""What a run took away: messages expunged from a mailbox that lie nowhere else any more."""

from sqlalchemy import Connection, exists, func, select

from mailvault.archive.catalog.placing import EXPUNGED
from mailvault.archive.catalog.tables import account, mailbox, placement
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
