"""Writes messages, their search fields and sets of flags: what placements point to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from sqlalchemy import Connection, bindparam, delete, func, select, update

from mailvault.archive.catalog.tables import attachment, flag_set, forgotten, message
from mailvault.archive.catalog.words import chunked, write_flags
from mailvault.archive.dialect import PARAMETERS, execute_many, insert
from mailvault.archive.header_index import NOTHING, HeaderIndex
from mailvault.mail.changes import Placed
from mailvault.mail.model import Digest, Flags

Indexes: TypeAlias = Mapping[Digest, HeaderIndex]

_LAST = select(func.max(message.c.id))
_FIND = select(message.c.digest, message.c.id).where(
    message.c.digest.in_(bindparam("digests", expanding=True))
)
_ANY_FORGOTTEN = select(forgotten.c.digest).limit(1)
_RETURNED = delete(forgotten).where(
    forgotten.c.digest.in_(bindparam("digests", expanding=True))
)
_MESSAGE = insert(message)
_ATTACHMENT = insert(attachment)


class MessageWriter:
    """Gives messages and sets of flags their row, at most once in a transaction."""

    def __init__(self, connection: Connection, indexes: Indexes) -> None:
        self._connection = connection
        self._indexes = indexes
        self._flag_sets: dict[Flags, int] = {}

    def message_ids(self, placed: Sequence[Placed]) -> dict[Digest, int]:
        """The rows of the messages, made where there were none."""
        sizes = {each.digest: each.size for each in placed}
        numbers = find_messages(self._connection, sizes)
        missing = [digest for digest in sizes if digest not in numbers]
        # The octets of a known message came again: then what was stored of it is damaged.
        again = {digest: self._indexes[digest] for digest in numbers if digest in self._indexes}
        if again:
            index_again(self._connection, again)
        if missing:
            first = (self._connection.scalar(_LAST) or 0) + 1
            numbers.update(zip(missing, range(first, first + len(missing)), strict=True))
            self._insert(missing, sizes, numbers)
        return numbers

    def flag_set_id(self, flags: Flags) -> int:
        if flags not in self._flag_sets:
            self._flag_sets[flags] = self._find_flag_set(write_flags(flags))
        return self._flag_sets[flags]

    def _insert(
        self, digests: Iterable[Digest], sizes: dict[Digest, int], numbers: dict[Digest, int]
    ) -> None:
        rows, attachments = [], []
        for digest in digests:
            index = self._indexes.get(digest, NOTHING)
            key = {"id": numbers[digest], "digest": digest.value, "size": sizes[digest]}
            rows.append(key | index_columns(index))
            attachments += attachment_rows(numbers[digest], index)
        execute_many(self._connection, _MESSAGE, rows)
        if attachments:
            execute_many(self._connection, _ATTACHMENT, attachments)
        self._remember_again(numbers)

    def _remember_again(self, digests: Iterable[Digest]) -> None:
        if self._connection.scalar(_ANY_FORGOTTEN) is None:
            return  # as in most archives, and asking for each digest takes long
        for some in chunked([digest.value for digest in digests], PARAMETERS):
            self._connection.execute(_RETURNED, {"digests": some})

    def _find_flag_set(self, flags: str) -> int:
        is_it = flag_set.c.flags == flags
        found: int | None = self._connection.scalar(select(flag_set.c.id).where(is_it))
        if found is not None:
            return found
        number = (self._connection.scalar(select(func.max(flag_set.c.id))) or 0) + 1
        self._connection.execute(insert(flag_set), {"id": number, "flags": flags})
        return number


def find_messages(connection: Connection, digests: Iterable[Digest]) -> dict[Digest, int]:
    """The rows of those messages that the catalog knows."""
    found: dict[Digest, int] = {}
    for some in chunked([digest.value for digest in digests], PARAMETERS):
        rows = connection.execute(_FIND, {"digests": some})
        found.update((Digest(digest), number) for digest, number in rows)
    return found


def index_again(connection: Connection, indexes: Indexes) -> None:
    """Write the headers of messages that are in the catalog already."""
    for digest, number in find_messages(connection, indexes).items():
        is_it = message.c.id == number
        connection.execute(update(message).where(is_it).values(index_columns(indexes[digest])))
        connection.execute(delete(attachment).where(attachment.c.message_id == number))
        rows = attachment_rows(number, indexes[digest])
        if rows:
            connection.execute(insert(attachment), rows)


def unindexed(connection: Connection) -> list[Digest]:
    """Messages of which the catalog knows nothing but their size: most could not be read."""
    fields = (
        message.c.message_id,
        message.c.date,
        message.c.sender,
        message.c.recipients,
        message.c.subject,
    )
    query = select(message.c.digest).where(*(field.is_(None) for field in fields))
    return [Digest(digest) for digest in connection.scalars(query)]


def index_columns(index: HeaderIndex) -> dict[str, object]:
    return {
        "message_id": index.message_id,
        "date": index.date,
        "sender": index.sender,
        "recipients": index.recipients,
        "copies": index.copies,
        "subject": index.subject,
    }


def attachment_rows(key: int, index: HeaderIndex) -> list[dict[str, object]]:
    return [
        {
            "message_id": key,
            "position": position,
            "name": each.name,
            "content_type": each.content_type,
            "size": each.size,
        }
        for position, each in enumerate(index.attachments)
    ]
