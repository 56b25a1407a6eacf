"""What a server says of messages over all mailboxes, as the catalog holds it."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, select

from mailvault.archive.catalog.tables import server_mark
from mailvault.archive.catalog.words import chunked
from mailvault.archive.dialect import PARAMETERS
from mailvault.mail.model import Uid


def read_labels(
    connection: Connection, mailbox_id: int, uidvalidity: int | None, uids: Sequence[Uid]
) -> dict[Uid, frozenset[str]]:
    """Gmail's labels of those of ``uids`` for which any are known."""
    columns = server_mark.c
    query = select(columns.uid, columns.labels).where(
        columns.mailbox_id == mailbox_id,
        columns.uidvalidity == uidvalidity,
        columns.labels.is_not(None),
    )
    return {
        Uid(uid): frozenset(json.loads(labels))
        for some in chunked(uids, PARAMETERS)
        for uid, labels in connection.execute(query.where(columns.uid.in_(some)))
    }
