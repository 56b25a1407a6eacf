"""Where one message was, and with which flags, from run to run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mailvault.archive.catalog.catalog import Catalog
from mailvault.archive.catalog.mailboxes import MailboxNames, mailbox_names
from mailvault.archive.catalog.placing import RENUMBERED
from mailvault.archive.catalog.tables import (
    account,
    flag_change,
    flag_set,
    mailbox,
    message,
    placement,
    run,
)
from mailvault.archive.catalog.words import AnyRow, chunked, read_flags
from mailvault.archive.dialect import PARAMETERS
from mailvault.archive.instants import from_microseconds
from mailvault.mail.model import Digest, Flags, MailboxName, RunNumber


@dataclass(frozen=True, slots=True)
class Stay:
    """A message in one mailbox under one number, from a run to another.

    ``names`` and ``flags`` say what held from which run on; ``gone_run`` None: it is there.
    """

    account: str
    mailbox_id: int
    uidvalidity: int
    remote_id: str
    first_run: RunNumber
    gone_run: RunNumber | None
    was_renumbered: bool
    names: tuple[tuple[RunNumber, MailboxName], ...]
    flags: tuple[tuple[RunNumber, Flags], ...]


@dataclass(frozen=True, slots=True)
class Life:
    """All stays of a message, oldest first, and when the runs were that they speak of."""

    stays: tuple[Stay, ...]
    times: Mapping[RunNumber, datetime]


def read_life(catalog: Catalog, digest: Digest) -> Life:
    """Gather where a message was. No stays: the catalog does not know it."""
    query = (
        select(placement, account.c.name.label("account"), flag_set.c.flags)
        .join(message, message.c.id == placement.c.message_id)
        .join(mailbox, mailbox.c.id == placement.c.mailbox_id)
        .join(account, account.c.id == mailbox.c.account_id)
        .join(flag_set, flag_set.c.id == placement.c.flag_set_id)
        .where(message.c.digest == digest.value)
        .order_by(placement.c.first_run, *placement.primary_key)
    )
    with catalog.reading() as connection:
        names = mailbox_names(connection)
        stays = [_stay(connection, row, names) for row in connection.execute(query).all()]
        return Life(tuple(stays), _times(connection, sorted(_runs(stays))))


def _stay(connection: Connection, row: AnyRow, names: MailboxNames) -> Stay:
    return Stay(
        account=row.account,
        mailbox_id=row.mailbox_id,
        uidvalidity=row.uidvalidity,
        remote_id=str(row.uid) if row.uidl is None else row.uidl,
        first_run=RunNumber(row.first_run),
        gone_run=None if row.gone_run is None else RunNumber(row.gone_run),
        was_renumbered=row.gone_how == RENUMBERED,
        names=_names(row, names),
        flags=_flags(connection, row),
    )


def _names(row: AnyRow, names: MailboxNames) -> tuple[tuple[RunNumber, MailboxName], ...]:
    """The name at the beginning, and each other one that the mailbox got meanwhile."""
    found = [(RunNumber(row.first_run), names.at(row.mailbox_id, row.first_run))]
    for at, name in names.versions[row.mailbox_id]:
        if _is_during(row, at) and name != found[-1][1]:
            found.append((RunNumber(at), name))
    return tuple(found)


def _flags(connection: Connection, row: AnyRow) -> tuple[tuple[RunNumber, Flags], ...]:
    """A change keeps the flags before it, so each holds until the next."""
    query = (
        select(flag_change.c.run, flag_set.c.flags)
        .join(flag_set, flag_set.c.id == flag_change.c.previous_id)
        .where(flag_change.c.mailbox_id == row.mailbox_id)
        .where(flag_change.c.uidvalidity == row.uidvalidity, flag_change.c.uid == row.uid)
        .order_by(flag_change.c.run)
    )
    changes = [each for each in connection.execute(query) if _is_during(row, each.run)]
    begins = [row.first_run, *(each.run for each in changes)]
    flags = [*(each.flags for each in changes), row.flags]
    return tuple(
        (RunNumber(at), read_flags(text)) for at, text in zip(begins, flags, strict=True)
    )


def _is_during(row: AnyRow, at: int) -> bool:
    return bool(row.first_run < at and (row.gone_run is None or at <= row.gone_run))


def _runs(stays: Sequence[Stay]) -> set[RunNumber]:
    runs = {at for stay in stays for at, _ in (*stay.names, *stay.flags)}
    return runs | {stay.gone_run for stay in stays if stay.gone_run is not None}


def _times(connection: Connection, runs: Sequence[RunNumber]) -> dict[RunNumber, datetime]:
    query = select(run.c.run, run.c.started_at)
    return {
        RunNumber(number): from_microseconds(started_at)
        for some in chunked(runs, PARAMETERS)
        for number, started_at in connection.execute(query.where(run.c.run.in_(some)))
    }
