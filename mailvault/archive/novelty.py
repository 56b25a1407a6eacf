"""What of a batch is news to the archive: the rest is not written down again and again."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import or_, select

from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.catalog.marks import read_labels
from mailvault.archive.catalog.tables import debt, flag_set, mailbox, placement
from mailvault.archive.catalog.words import chunked, read_flags
from mailvault.archive.dialect import PARAMETERS
from mailvault.mail.model import Batch, Cursor, Flags, Uid


@dataclass(frozen=True, slots=True)
class News:
    """A batch without what the archive knows. ``is_empty``: then nothing is left of it."""

    batch: Batch
    is_empty: bool


class Novelty:
    """Compares batches with the catalog, which must hold all that was added before them."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._cursors: dict[int, tuple[int | None, Cursor | None]] = {}

    def of(self, mailbox_id: int, batch: Batch) -> News:
        uids = [*(each.uid for each in batch.flags_changed), *batch.expunged]
        present = self._present(mailbox_id, batch.uidvalidity, uids) if uids else {}
        owed = self._owed(mailbox_id, batch.uidvalidity) if batch.expunged else set()
        relabelled = self._relabelled(mailbox_id, batch)
        expunged = tuple(uid for uid in batch.expunged if uid in present or uid in owed)
        asked = set(batch.removed)
        news = replace(
            batch,
            flags_changed=tuple(
                each
                for each in batch.flags_changed
                if present.get(each.uid, each.flags) != each.flags
                or (each.uid in relabelled and each.uid in present)
            ),
            expunged=expunged,
            removed=tuple(uid for uid in expunged if uid in asked),
        )
        return News(news, not self._changes_anything(mailbox_id, news))

    def forget(self, mailbox_id: int) -> None:
        """The mailbox is gone, and what was known of it."""
        self._cursors[mailbox_id] = (None, None)

    def _changes_anything(self, mailbox_id: int, batch: Batch) -> bool:
        old = self._cursor(mailbox_id)
        new = (batch.uidvalidity, old[1] if batch.cursor is None else batch.cursor)
        self._cursors[mailbox_id] = new
        return (
            new != old
            or bool(batch.arrived or batch.recognised or batch.renamed or batch.flags_changed)
            or bool(batch.expunged or batch.unreadable)
            or (batch.is_complete and self._has_other_numbering(mailbox_id, batch.uidvalidity))
        )

    def _cursor(self, mailbox_id: int) -> tuple[int | None, Cursor | None]:
        if mailbox_id not in self._cursors:
            query = select(mailbox.c.uidvalidity, mailbox.c.cursor)
            with self._catalog.reading() as connection:
                row = connection.execute(query.where(mailbox.c.id == mailbox_id)).first()
            self._cursors[mailbox_id] = (None, None) if row is None else (row[0], row[1])
        return self._cursors[mailbox_id]

    def _present(
        self, mailbox_id: int, uidvalidity: int, uids: Collection[Uid]
    ) -> dict[Uid, Flags]:
        query = (
            select(placement.c.uid, flag_set.c.flags)
            .join(flag_set, flag_set.c.id == placement.c.flag_set_id)
            .where(placement.c.mailbox_id == mailbox_id)
            .where(placement.c.uidvalidity == uidvalidity, placement.c.gone_run.is_(None))
        )
        with self._catalog.reading() as connection:
            return {
                Uid(uid): read_flags(flags)
                for some in chunked(list(uids), PARAMETERS)
                for uid, flags in connection.execute(query.where(placement.c.uid.in_(some)))
            }

    def _relabelled(self, mailbox_id: int, batch: Batch) -> set[Uid]:
        """The messages whose labels are others than those known."""
        told = {
            each.uid: each.labels for each in batch.flags_changed if each.labels is not None
        }
        if not told:
            return set()
        with self._catalog.reading() as connection:
            known = read_labels(connection, mailbox_id, batch.uidvalidity, list(told))
        return {uid for uid, labels in told.items() if known.get(uid) != labels}

    def _owed(self, mailbox_id: int, uidvalidity: int) -> set[Uid]:
        query = select(debt.c.uid).where(
            debt.c.mailbox_id == mailbox_id,
            debt.c.uidvalidity == uidvalidity,
            debt.c.settled_run.is_(None),
        )
        with self._catalog.reading() as connection:
            return {Uid(uid) for uid in connection.scalars(query)}

    def _has_other_numbering(self, mailbox_id: int, uidvalidity: int) -> bool:
        tables = ((placement, placement.c.gone_run), (debt, debt.c.settled_run))
        with self._catalog.reading() as connection:
            return any(
                connection.scalar(
                    select(table.c.uid)
                    .where(table.c.mailbox_id == mailbox_id, end.is_(None))
                    .where(
                        or_(
                            table.c.uidvalidity < uidvalidity, table.c.uidvalidity > uidvalidity
                        )
                    )
                    .limit(1)
                )
                is not None
                for table, end in tables
            )
