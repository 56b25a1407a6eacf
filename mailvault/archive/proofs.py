"""Which messages were last read back and hashed when: so that samples cover everything.

Kept by stretches of the catalog's own message numbers, beside what records tell: a full
verify costs one row. A rebuilt catalog numbers anew and has forgotten it.
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.catalog.tables import message, placement, proof, run
from mailvault.archive.instants import from_microseconds, to_microseconds
from mailvault.mail.model import Digest

log = logging.getLogger(__name__)

_PAGE = 1000

_MOST = 1000
"""Messages in one stretch that is compared as a whole before it is written down."""


@dataclass(frozen=True, slots=True)
class Due:
    """A message to read. ``first`` and ``last`` are the stretch of numbers it stands for."""

    digest: Digest
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages by their numbers, both ends included; proved at that time, or never.

    ``seal`` stands for the messages that had these numbers when they were read.
    """

    first: int
    last: int
    at: datetime | None = None
    seal: bytes = b""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far verifying has come. ``oldest``: since then every message was read, or archived.

    ``never`` messages have not been read since they were archived.
    """

    oldest: datetime | None
    never: int


class Proved:
    """Gathers what was proved, in stretches of at most so many messages."""

    def __init__(self, most: int = _MOST) -> None:
        self._stretches: list[Stretch] = []
        self._most = most
        self._messages = 0  # in the last stretch

    def add(self, due: Due) -> None:
        last = self._stretches[-1] if self._stretches else None
        self._messages += 1
        if last is None or last.last + 1 != due.first or self._messages > self._most:
            last = Stretch(due.first, due.last)
            self._stretches.append(last)
            self._messages = 1
        seal = _sealed(last.seal, due.last, due.digest)
        self._stretches[-1] = Stretch(last.first, due.last, seal=seal)

    def put_back(self, stretches: Sequence[Stretch]) -> None:
        """What could not be written down now may be later."""
        self._stretches = [*stretches, *self._stretches]

    def take(self) -> list[Stretch]:
        """Everything gathered since the last time."""
        taken, self._stretches = self._stretches, []
        return taken


def longest_unverified(catalog: Catalog) -> Iterator[Due]:
    """Every message: first those never read, then those whose reading is longest ago."""
    with catalog.reading() as connection:
        stretches = _in_order(connection)
    for stretch in stretches:
        first = stretch.first
        while first <= stretch.last:
            query = (
                select(message.c.id, message.c.digest)
                .where(message.c.id.between(first, stretch.last))
                .order_by(message.c.id)
                .limit(_PAGE)
            )
            with catalog.reading() as connection:
                rows = connection.execute(query).all()
            for number, digest in rows:
                yield Due(Digest(digest), first, number)
                first = number + 1
            if len(rows) < _PAGE:
                break


def read_coverage(catalog: Catalog) -> Coverage:
    with catalog.reading() as connection:
        stretches = _in_order(connection)
        never = [stretch for stretch in stretches if stretch.at is None]
        return Coverage(
            oldest=next(filter(None, (_since(connection, each) for each in stretches)), None),
            never=sum(_count(connection, stretch) for stretch in never),
        )


def keep_proofs(connection: Connection, stretches: Sequence[Stretch], at: datetime) -> None:
    """Remember that these were proved ``at`` that time, as far as they are still the same.

    While they were being read, some may have been pruned and their numbers given again, or
    all numbered anew by a rebuild.
    """
    for stretch in stretches:
        if stretch.seal != _seal(connection, stretch):
            log.info("messages changed while they were verified: they are due again")
            continue
        _cut_out(connection, stretch)
        row = {"first_message": stretch.first, "last_message": stretch.last}
        connection.execute(insert(proof), row | {"proved_at": to_microseconds(at)})
    _join(connection, to_microseconds(at))


def _sealed(seal: bytes, number: int, digest: Digest) -> bytes:
    return hashlib.sha256(b"%b%d:%b" % (seal, number, digest.value)).digest()


def _seal(connection: Connection, stretch: Stretch) -> bytes:
    """What stands for the messages that have these numbers now."""
    query = select(message.c.id, message.c.digest).order_by(message.c.id)
    within = message.c.id.between(stretch.first, stretch.last)
    seal = b""
    for number, digest in connection.execute(query.where(within)):
        seal = _sealed(seal, number, Digest(digest))
    return seal


def _in_order(connection: Connection) -> list[Stretch]:
    """All numbers in stretches, the longest unverified first."""
    highest = connection.scalar(select(func.max(message.c.id))) or 0
    query = select(proof).order_by(proof.c.first_message)
    known = [
        Stretch(row.first_message, row.last_message, from_microseconds(row.proved_at))
        for row in connection.execute(query)
    ]
    never, start = [], 1
    for each in known:
        if start < each.first:
            never.append(Stretch(start, each.first - 1))
        start = each.last + 1
    if start <= highest:
        never.append(Stretch(start, highest))
    return [*never, *sorted(known, key=_age)]


def _age(stretch: Stretch) -> tuple[float, int]:
    return stretch.at.timestamp() if stretch.at else 0.0, stretch.first


def _since(connection: Connection, stretch: Stretch) -> datetime | None:
    """Since when nobody has read the messages of a stretch; None where there are none."""
    number = connection.scalar(
        select(func.min(message.c.id)).where(message.c.id.between(stretch.first, stretch.last))
    )
    if number is None or stretch.at is not None:
        return None if number is None else stretch.at
    archived = connection.scalar(
        select(func.min(run.c.started_at))
        .join(placement, placement.c.first_run == run.c.run)
        .where(placement.c.message_id == number)
    )
    return None if archived is None else from_microseconds(archived)


def _count(connection: Connection, stretch: Stretch) -> int:
    within = message.c.id.between(stretch.first, stretch.last)
    return connection.scalar(select(func.count()).select_from(message).where(within)) or 0


def _cut_out(connection: Connection, stretch: Stretch) -> None:
    """Take a stretch out of those that were proved before."""
    overlaps = (proof.c.first_message <= stretch.last) & (proof.c.last_message >= stretch.first)
    rows = connection.execute(select(proof).where(overlaps)).all()
    connection.execute(delete(proof).where(overlaps))
    rest = []
    for row in rows:
        if row.first_message < stretch.first:
            rest.append((row.first_message, stretch.first - 1, row.proved_at))
        if row.last_message > stretch.last:
            rest.append((stretch.last + 1, row.last_message, row.proved_at))
    for first, last, at in rest:
        values = {"first_message": first, "last_message": last, "proved_at": at}
        connection.execute(insert(proof), values)


def _join(connection: Connection, at: int) -> None:
    """Make one row of neighbours that were proved at the same time."""
    same = proof.c.proved_at == at
    rows = connection.execute(select(proof).where(same).order_by(proof.c.first_message)).all()
    joined: list[tuple[int, int]] = []
    for row in rows:
        if joined and joined[-1][1] + 1 == row.first_message:
            joined[-1] = (joined[-1][0], row.last_message)
        else:
            joined.append((row.first_message, row.last_message))
    if len(joined) == len(rows):
        return
    connection.execute(delete(proof).where(same))
    for first, last in joined:
        values = {"first_message": first, "last_message": last, "proved_at": at}
        connection.execute(insert(proof), values)
