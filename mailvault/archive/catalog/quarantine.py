"""What a disaster took: octets of messages, and what sources knew."""

from datetime import datetime

from sqlalchemy import Connection, select

from mailvault.archive.catalog.tables import mailbox, quarantine
from mailvault.archive.instants import from_microseconds
from mailvault.mail.model import Digest


def read_quarantine(connection: Connection) -> dict[Digest, datetime]:
    """What is lost, and since when that is known."""
    rows = connection.execute(select(quarantine.c.digest, quarantine.c.since))
    return {Digest(digest): from_microseconds(since) for digest, since in rows}


def has_lost_memory(connection: Connection) -> bool:
    """Whether no mailbox has a cursor."""
    sure = select(mailbox.c.id).where(mailbox.c.cursor.is_not(None)).limit(1)
    return connection.scalar(sure) is None
