"""Messages whose octets were lost, and those of which the headers can be read again."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from mailvault.archive.catalog.messages import (
    Indexes,
    attachment_rows,
    find_messages,
    index_columns,
)
from mailvault.archive.catalog.tables import attachment, mailbox, message, quarantine
from mailvault.archive.instants import from_microseconds
from mailvault.mail.model import Digest


def read_quarantine(connection: Connection) -> dict[Digest, datetime]:
    """What is lost, and since when that is known."""
    rows = connection.execute(select(quarantine.c.digest, quarantine.c.since))
    return {Digest(digest): from_microseconds(since) for digest, since in rows}


def index_again(connection: Connection, indexes: Indexes) -> None:
    """Write the headers of messages that are in the catalog already."""
    for digest, number in find_messages(connection, indexes).items():
        index = indexes[digest]
        is_it = message.c.id == number
        connection.execute(update(message).where(is_it).values(index_columns(index)))
        connection.execute(delete(attachment).where(attachment.c.message_id == number))
        rows = attachment_rows(number, index)
        if rows:
            connection.execute(insert(attachment), rows)


def has_lost_memory(connection: Connection) -> bool:
    """Whether no mailbox has a cursor."""
    sure = select(mailbox.c.id).where(mailbox.c.cursor.is_not(None)).limit(1)
    return connection.scalar(sure) is None
