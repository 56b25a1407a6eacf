"""Questions that have the whole history for an answer, sorted by the run it happened in."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, FromClause, and_, exists, func, or_, select

from mailvault.archive.catalog import forgetting
from mailvault.archive.catalog.placing import EXPUNGED, RENUMBERED
from mailvault.archive.catalog.tables import (
    account,
    debt,
    flag_change,
    flag_set,
    job,
    mailbox,
    mailbox_version,
    message,
    placement,
    quarantine,
    removal,
    run,
    run_account,
    run_mailbox,
    server_mark,
    suspicion,
)
from mailvault.archive.catalog.words import AnyQuery, AnyRow, read_flags, read_name
from mailvault.archive.instants import from_microseconds, with_zone
from mailvault.mail.changes import (
    Accepted,
    AccountAdded,
    AccountFinished,
    JobEnded,
    MailboxChanged,
    MailboxDescribed,
    MailboxFinished,
    MailboxGone,
    Placed,
    Record,
    RunFinished,
    RunStarted,
    Suspected,
)
from mailvault.mail.model import Cursor, Digest, Flags, RunNumber, Uid

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Birth:
    """A message came to lie in a mailbox, with the flags it had at first."""

    run: int
    mailbox_id: int
    uidvalidity: int
    placed: Placed


@dataclass(frozen=True, slots=True)
class Change:
    """A message had these flags from then on."""

    run: int
    mailbox_id: int
    uidvalidity: int
    uid: Uid
    flags: Flags


@dataclass(frozen=True, slots=True)
class End:
    """A message was expunged; or, without a UID, a mailbox renumbered."""

    run: int
    mailbox_id: int
    uidvalidity: int
    uid: Uid
    is_removed: bool = False


@dataclass(frozen=True, slots=True)
class Debt:
    mailbox_id: int
    uidvalidity: int
    uid: int
    reason: str
    attempts: int
    first_run: int
    last_run: int
    settled_run: int | None


class Facts:
    """The history of a catalog, over one connection that stays open for it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _rows(self, query: AnyQuery) -> Iterator[AnyRow]:
        return iter(self._connection.execute(query.execution_options(yield_per=_PAGE)))

    def accounts(self) -> list[Record]:
        rows = self._connection.execute(select(account).order_by(account.c.id))
        return [AccountAdded(row.id, row.name, row.protocol) for row in rows]

    def runs(self) -> list[RunStarted]:
        rows = self._connection.execute(select(run.c.run, run.c.started_at).order_by(run.c.run))
        return [
            RunStarted(RunNumber(row.run), from_microseconds(row.started_at)) for row in rows
        ]

    def births(self) -> Iterator[Birth]:
        here = placement.c
        query = (
            select(
                here.first_run,
                here.mailbox_id,
                here.uidvalidity,
                here.uid,
                here.uidl,
                here.internal_date,
                here.internal_zone,
                message.c.digest,
                message.c.size,
                flag_set.c.flags,
                server_mark.c.email_id,
                server_mark.c.labels,
            )
            .join(message, message.c.id == here.message_id)
            .join(flag_set, flag_set.c.id == _flags_after(here.first_run))
            .outerjoin(server_mark, _is_same_uid(server_mark))
            .order_by(here.first_run, here.mailbox_id, here.uidvalidity, here.uid)
        )
        return map(_birth, self._rows(query))

    def flag_changes(self) -> Iterator[Change]:
        change, here = flag_change.c, placement.c
        query = (
            select(
                change.run, change.mailbox_id, change.uidvalidity, change.uid, flag_set.c.flags
            )
            .join(placement, and_(_is_same_uid(flag_change), _is_during(change.run)))
            .join(flag_set, flag_set.c.id == _flags_after(change.run))
            .order_by(change.run, change.mailbox_id, change.uidvalidity, here.uid)
        )
        return (
            Change(
                row.run, row.mailbox_id, row.uidvalidity, Uid(row.uid), read_flags(row.flags)
            )
            for row in self._rows(query)
        )

    def expunged(self) -> Iterator[End]:
        """What went in a later run than it came."""
        return self._ends(placement.c.gone_run != placement.c.first_run)

    def expunged_at_once(self) -> Iterator[End]:
        """What came and went in one run."""
        return self._ends(placement.c.gone_run == placement.c.first_run)

    def _ends(self, condition: ColumnElement[bool]) -> Iterator[End]:
        here = placement.c
        key = (here.gone_run, here.mailbox_id, here.uidvalidity, here.uid)
        query = (
            select(*key, removal.c.run)
            .outerjoin(removal, _is_same_uid(removal) & (removal.c.run == here.gone_run))
            .where(here.gone_how == EXPUNGED, condition)
            .order_by(*key)
        )
        return (
            End(row[0], row[1], row[2], Uid(row[3]), row[4] is not None)
            for row in self._rows(query)
        )

    def renumbered(self) -> Iterator[End]:
        """Which numbering of a mailbox ended all others, and when."""
        here, again = placement.c, placement.alias()
        query = (
            select(here.gone_run, here.mailbox_id, again.c.uidvalidity)
            .join(
                again,
                and_(
                    again.c.message_id == here.message_id,
                    again.c.mailbox_id == here.mailbox_id,
                    again.c.uidvalidity != here.uidvalidity,
                    again.c.first_run <= here.gone_run,
                    or_(
                        again.c.gone_run.is_(None),
                        again.c.gone_run > here.gone_run,
                        again.c.first_run == here.gone_run,  # it went soon after
                    ),
                ),
            )
            .where(here.gone_how == RENUMBERED)
            .distinct()
            .order_by(here.gone_run, here.mailbox_id, again.c.uidvalidity)
        )
        return (End(row[0], row[1], row[2], Uid(0)) for row in self._rows(query))

    def debts(self) -> Iterator[Debt]:
        return (Debt(*row) for row in self._rows(select(debt).order_by(*debt.primary_key)))

    def is_born(self, owed: Debt, at: int) -> bool:
        """Whether a message came under the UID of a debt in that run."""
        here = placement.c
        query = select(here.uid).where(
            here.mailbox_id == owed.mailbox_id,
            here.uidvalidity == owed.uidvalidity,
            here.uid == owed.uid,
            here.first_run == at,
        )
        return self._connection.execute(query).first() is not None

    def described(self, at: int) -> Iterator[Record]:
        """The mailboxes that appeared or changed in a run."""
        query = (
            select(mailbox_version, mailbox.c.account_id)
            .join(mailbox, mailbox.c.id == mailbox_version.c.mailbox_id)
            .where(mailbox_version.c.first_run == at)
            .order_by(mailbox_version.c.mailbox_id)
        )
        for row in self._connection.execute(query):
            yield MailboxDescribed(
                mailbox_id=row.mailbox_id,
                account_id=row.account_id,
                name=read_name(row.name),
                special_use=row.special_use,
                is_subscribed=None if row.is_subscribed is None else bool(row.is_subscribed),
                attributes=frozenset(json.loads(row.attributes)),
                is_selectable=bool(row.is_selectable),
            )

    def gone(self, at: int) -> Iterator[Record]:
        """The mailboxes that ended in a run, and were not only described anew."""
        later = mailbox_version.alias()
        goes_on = exists().where(
            later.c.mailbox_id == mailbox_version.c.mailbox_id,
            later.c.first_run == at,
            or_(later.c.gone_run.is_(None), later.c.gone_run > at),
        )
        query = select(mailbox_version.c.mailbox_id).where(
            mailbox_version.c.gone_run == at, ~goes_on
        )
        for mailbox_id in self._connection.scalars(query.distinct()):
            yield MailboxGone(mailbox_id)

    def suspicions(self, at: int) -> Iterator[Record]:
        """What was suspected in a run, and accepted of this and of earlier ones."""
        seen = self._connection.execute(
            select(suspicion).where(suspicion.c.run == at).order_by(suspicion.c.id)
        ).all()
        yield from (_suspected(row) for row in seen if row.accepted_run == at)
        accepted = select(suspicion.c.account_id).where(suspicion.c.accepted_run == at)
        for account_id in self._connection.scalars(accepted.distinct()):
            yield Accepted(account_id)
        yield from (_suspected(row) for row in seen if row.accepted_run != at)

    def endings(self, at: int) -> Iterator[Record]:
        """How a run ended for its mailboxes, its accounts, and at all."""
        of_mailboxes = select(run_mailbox).where(run_mailbox.c.run == at)
        for row in self._connection.execute(of_mailboxes):
            counts = (row.arrived, row.flags_changed, row.expunged, row.unreadable, row.octets)
            seconds = row.milliseconds / 1000
            yield MailboxFinished(row.mailbox_id, *counts, seconds, row.error)
        of_accounts = select(run_account).where(run_account.c.run == at)
        for row in self._connection.execute(of_accounts):
            yield AccountFinished(row.account_id, from_microseconds(row.finished_at), row.error)
        end = self._connection.execute(select(run).where(run.c.run == at)).one()
        if end.finished_at is not None:
            yield RunFinished(from_microseconds(end.finished_at), end.exit_code)

    def cursors(self) -> Iterator[Record]:
        """Where the sources go on."""
        query = select(mailbox).where(mailbox.c.uidvalidity.is_not(None)).order_by(mailbox.c.id)
        for row in self._connection.execute(query):
            cursor = None if row.cursor is None else Cursor(row.cursor)
            yield MailboxChanged(row.id, row.uidvalidity, cursor=cursor)

    def jobs(self) -> Iterator[Record]:
        for row in self._rows(select(job).order_by(job.c.id)):
            yield JobEnded(
                kind=row.kind,
                started_at=from_microseconds(row.started_at),
                at=from_microseconds(row.finished_at),
                exit_code=row.exit_code,
                account=row.account,
                checked=row.checked,
                octets=row.octets,
                detail=row.detail,
            )

    def forgotten(self) -> Iterator[Digest]:
        return forgetting.list_forgotten(self._connection)

    def quarantined(self) -> dict[datetime, list[Digest]]:
        """What is lost, by when that became known."""
        found: dict[datetime, list[Digest]] = defaultdict(list)
        rows = self._connection.execute(select(quarantine).order_by(quarantine.c.since))
        for digest, since in rows:
            found[from_microseconds(since)].append(Digest(digest))
        return found


def _birth(row: AnyRow) -> Birth:
    instant = row.internal_date
    placed = Placed(
        uid=Uid(row.uid),
        digest=Digest(row.digest),
        size=row.size,
        flags=read_flags(row.flags),
        internal_date=None if instant is None else with_zone(instant, row.internal_zone),
        uidl=row.uidl,
        email_id=row.email_id,
        labels=None if row.labels is None else frozenset(json.loads(row.labels)),
    )
    return Birth(row.first_run, row.mailbox_id, row.uidvalidity, placed)


def _suspected(row: AnyRow) -> Suspected:
    return Suspected(row.account_id, row.mailbox_id, row.reason)


def _is_same_uid(table: FromClause) -> ColumnElement[bool]:
    return and_(
        table.c.mailbox_id == placement.c.mailbox_id,
        table.c.uidvalidity == placement.c.uidvalidity,
        table.c.uid == placement.c.uid,
    )


def _is_during(at: ColumnElement[int]) -> ColumnElement[bool]:
    """Within the life of the placement: others may have had its UID before and after."""
    here = placement.c
    return and_(at > here.first_run, or_(here.gone_run.is_(None), at <= here.gone_run))


def _flags_after(at: ColumnElement[int]) -> ColumnElement[int]:
    """The flags a placement had after a run: those before the next change, or the last."""
    following = flag_change.alias()
    previous = (
        select(following.c.previous_id)
        .where(_is_same_uid(following), following.c.run > at, _is_during(following.c.run))
        .order_by(following.c.run)
        .limit(1)
        .correlate(placement, flag_change)
        .scalar_subquery()
    )
    return func.coalesce(previous, placement.c.flag_set_id)
