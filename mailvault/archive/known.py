"""What the archive believes a mailbox of the server holds: `ports.Known` over the catalog.

Every answer is one short read on a connection of its own, so that a source may ask from its
thread while the recorder commits in another.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

from sqlalchemy import ColumnElement, and_, func, or_, select

from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.catalog.marks import read_labels
from mailvault.archive.catalog.tables import (
    debt,
    flag_set,
    mailbox,
    message,
    placement,
    server_mark,
)
from mailvault.archive.catalog.words import AnyRow, chunked, read_flags, storable
from mailvault.archive.dialect import PARAMETERS, require_progress
from mailvault.archive.instants import to_seconds, with_zone
from mailvault.mail.model import Digest, Flags, RunNumber, Uid
from mailvault.ports import Fingerprint, Kept, Lying, Same

Match: TypeAlias = tuple[str, int, int]
"""Message-ID, size and INTERNALDATE, when all of them are known."""

_flags = lru_cache(maxsize=1024)(read_flags)


class KnownMailbox:
    """One mailbox. A mailbox that the catalog has not met yet holds nothing."""

    def __init__(self, catalog: Catalog, mailbox_id: int) -> None:
        self._catalog = catalog
        self._mailbox_id = mailbox_id

    def uidvalidity(self) -> int | None:
        """The one of the last batch, or of the newest run if that batch placed nothing."""
        last = select(mailbox.c.uidvalidity).where(mailbox.c.id == self._mailbox_id)
        any_run = select(placement.c.uidvalidity).where(self._is_here())
        newest = any_run.order_by(placement.c.first_run.desc(), placement.c.uidvalidity.desc())
        with self._catalog.reading() as connection:
            uidvalidity: int | None = connection.scalar(last)
            is_last = placement.c.uidvalidity == uidvalidity
            if connection.scalar(any_run.where(is_last).limit(1)) is not None:
                return uidvalidity
            return connection.scalar(newest.limit(1))

    def count(self) -> int:
        query = select(func.count()).where(self._is_under(self.uidvalidity()), _IS_PRESENT)
        with self._catalog.reading() as connection:
            return connection.scalar(query) or 0

    def highest(self) -> Uid:
        query = select(func.max(placement.c.uid)).where(self._is_under(self.uidvalidity()))
        with self._catalog.reading() as connection:
            return Uid(connection.scalar(query) or 0)

    def window(self, first: Uid, last: Uid) -> dict[Uid, Flags]:
        query = (
            select(placement.c.uid, flag_set.c.flags)
            .join(flag_set, flag_set.c.id == placement.c.flag_set_id)
            .where(self._is_under(self.uidvalidity()), _IS_PRESENT)
            .where(placement.c.uid.between(first, last))
            .order_by(placement.c.uid)
        )
        with self._catalog.reading() as connection:
            return {Uid(uid): _flags(flags) for uid, flags in connection.execute(query)}

    def uids_after(self, uid: Uid, limit: int) -> list[Uid]:
        query = (
            select(placement.c.uid)
            .where(self._is_under(self.uidvalidity()), _IS_PRESENT, placement.c.uid > uid)
            .order_by(placement.c.uid)
            .limit(limit)
        )
        with self._catalog.reading() as connection:
            return [Uid(each) for each in connection.scalars(query)]

    def kept(self, after: Uid, limit: int, *, until: RunNumber | None = None) -> list[Kept]:
        query = (
            select(placement.c.uid, placement.c.uidl, message.c.digest, message.c.size)
            .join(message, message.c.id == placement.c.message_id)
            .where(self._is_under(self.uidvalidity()), _IS_PRESENT, placement.c.uid > after)
            .order_by(placement.c.uid)
            .limit(limit)
        )
        if until is not None:
            query = query.where(placement.c.first_run <= until)
        with self._catalog.reading() as connection:
            rows = connection.execute(query).all()
        if rows:
            require_progress(after, rows[-1].uid)
        return [Kept(Uid(row.uid), Digest(row.digest), row.size, row.uidl) for row in rows]

    def owed(self) -> list[Uid]:
        last = select(mailbox.c.uidvalidity).where(mailbox.c.id == self._mailbox_id)
        query = (
            select(debt.c.uid)
            .where(debt.c.mailbox_id == self._mailbox_id, debt.c.settled_run.is_(None))
            .where(debt.c.uidvalidity == last.scalar_subquery())
            .order_by(debt.c.uid)
        )
        with self._catalog.reading() as connection:
            return [Uid(each) for each in connection.scalars(query)]

    def returned(self, uids: Sequence[Uid]) -> dict[Uid, Digest]:
        is_under = self._is_under(self.uidvalidity())
        query = (
            select(placement.c.uid, message.c.digest, placement.c.gone_run)
            .join(message, message.c.id == placement.c.message_id)
            .where(is_under)
            .order_by(placement.c.first_run)
        )
        last: dict[Uid, tuple[Digest, int | None]] = {}
        with self._catalog.reading() as connection:
            for some in chunked(uids, PARAMETERS):
                for uid, digest, gone in connection.execute(
                    query.where(placement.c.uid.in_(some))
                ):
                    last[Uid(uid)] = (Digest(digest), gone)
        return {uid: digest for uid, (digest, gone) in last.items() if gone is not None}

    def holding(self, digests: Sequence[Digest]) -> dict[Digest, list[Lying]]:
        query = (
            select(message.c.digest, placement.c.uid, flag_set.c.flags)
            .join(placement, placement.c.message_id == message.c.id)
            .join(flag_set, flag_set.c.id == placement.c.flag_set_id)
            .where(self._is_under(self.uidvalidity()), _IS_PRESENT)
            .order_by(placement.c.uid)
        )
        found: dict[Digest, list[Lying]] = defaultdict(list)
        with self._catalog.reading() as connection:
            for some in chunked([each.value for each in digests], PARAMETERS):
                rows = connection.execute(query.where(message.c.digest.in_(some)))
                for digest, uid, flags in rows:
                    found[Digest(digest)].append(Lying(Uid(uid), _flags(flags)))
        return dict(found)

    def by_email_id(self, ids: Sequence[str]) -> dict[str, Same]:
        ours = select(mailbox.c.account_id).where(mailbox.c.id == self._mailbox_id)
        query = (
            select(server_mark.c.email_id, message.c.digest, message.c.size)
            .join(mailbox, mailbox.c.id == server_mark.c.mailbox_id)
            .join(
                placement,
                and_(
                    placement.c.mailbox_id == server_mark.c.mailbox_id,
                    placement.c.uidvalidity == server_mark.c.uidvalidity,
                    placement.c.uid == server_mark.c.uid,
                ),
            )
            .join(message, message.c.id == placement.c.message_id)
            .where(mailbox.c.account_id == ours.scalar_subquery())
        )
        with self._catalog.reading() as connection:
            return {
                row.email_id: Same(Digest(row.digest), row.size)
                for some in chunked(ids, PARAMETERS)
                for row in connection.execute(query.where(server_mark.c.email_id.in_(some)))
            }

    def labels(self, uids: Sequence[Uid]) -> dict[Uid, frozenset[str]]:
        uidvalidity = self.uidvalidity()
        with self._catalog.reading() as connection:
            return read_labels(connection, self._mailbox_id, uidvalidity, uids)

    def has_earlier(self) -> bool:
        newest = self.uidvalidity()
        if newest is None:
            return False
        other = or_(placement.c.uidvalidity < newest, placement.c.uidvalidity > newest)
        query = select(placement.c.uid).where(self._is_here(), other, _IS_PRESENT).limit(1)
        with self._catalog.reading() as connection:
            return connection.scalar(query) is not None

    def fingerprints(self, first: Uid, last: Uid) -> dict[Uid, Fingerprint]:
        query = _FINGERPRINTS.where(self._is_under(self.uidvalidity()), _IS_PRESENT)
        within = placement.c.uid.between(first, last)
        with self._catalog.reading() as connection:
            rows = connection.execute(query.where(within).order_by(placement.c.uid))
            return {Uid(row.uid): _fingerprint(row) for row in rows}

    def sample(self, limit: int) -> list[Fingerprint]:
        uidvalidity = self.uidvalidity()
        uids = select(placement.c.uid).where(self._is_under(uidvalidity), _IS_PRESENT)
        with self._catalog.reading() as connection:
            present = connection.scalars(uids.order_by(placement.c.uid)).all()
            spread = present[:: max(1, -(-len(present) // limit))]
            query = (
                _FINGERPRINTS.where(self._is_under(uidvalidity), _IS_PRESENT)
                .where(placement.c.uid.in_(spread))
                .order_by(placement.c.uid)
            )
            return [_fingerprint(row) for row in connection.execute(query)]

    def recognise(self, fingerprints: Sequence[Fingerprint]) -> dict[Uid, Digest]:
        """Settle those that match placements of exactly one message, and enough of them."""
        wanted: dict[Match, list[Uid]] = defaultdict(list)
        for each in fingerprints:
            if each.message_id is not None and each.internal_date is not None:
                match = _match(each.message_id, each.size, to_seconds(each.internal_date))
                wanted[match].append(each.uid)
        candidates = self._candidates({size for _, size, _ in wanted})
        settled: dict[Uid, Digest] = {}
        for match, uids in wanted.items():
            digests = candidates.get(match, [])
            if len(set(digests)) == 1 and len(uids) <= len(digests):
                settled.update((uid, digests[0]) for uid in uids)
        return settled

    def _candidates(self, sizes: Iterable[int]) -> dict[Match, list[Digest]]:
        """What ever lay in this mailbox and has one of these sizes."""
        found: dict[Match, list[Digest]] = defaultdict(list)
        query = _FINGERPRINTS.where(self._is_here(), placement.c.internal_date.is_not(None))
        with self._catalog.reading() as connection:
            for some in chunked(sorted(sizes), PARAMETERS):
                for row in connection.execute(query.where(message.c.size.in_(some))):
                    if row.message_id is not None:
                        match = _match(row.message_id, row.size, row.internal_date)
                        found[match].append(Digest(row.digest))
        return found

    def _is_here(self) -> ColumnElement[bool]:
        is_here: ColumnElement[bool] = placement.c.mailbox_id == self._mailbox_id
        return is_here

    def _is_under(self, uidvalidity: int | None) -> ColumnElement[bool]:
        return and_(self._is_here(), placement.c.uidvalidity == uidvalidity)


_IS_PRESENT: ColumnElement[bool] = placement.c.gone_run.is_(None)

_FINGERPRINTS = select(
    placement.c.uid,
    placement.c.internal_date,
    placement.c.internal_zone,
    message.c.digest,
    message.c.size,
    message.c.message_id,
).join(message, message.c.id == placement.c.message_id)


def _match(message_id: str, size: int, seconds: int) -> Match:
    return (storable(message_id) or "", size, seconds)


def _fingerprint(row: AnyRow) -> Fingerprint:
    seconds = row.internal_date
    return Fingerprint(
        uid=Uid(row.uid),
        size=row.size,
        internal_date=None if seconds is None else with_zone(seconds, row.internal_zone),
        message_id=row.message_id,
    )
