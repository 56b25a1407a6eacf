"""Writes what a batch changed in one mailbox: placements, flags, debts."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    bindparam,
    case,
    exists,
    func,
    select,
    update,
)

from mailvault.archive.catalog.messages import MessageWriter
from mailvault.archive.catalog.tables import (
    debt,
    flag_change,
    mailbox,
    message,
    placement,
    removal,
    server_mark,
)
from mailvault.archive.catalog.words import chunked, storable, write_list
from mailvault.archive.dialect import PARAMETERS, execute_many, insert
from mailvault.archive.instants import to_seconds, to_zone
from mailvault.mail.changes import MailboxChanged, Owed, Placed, Reflagged
from mailvault.mail.model import Uid

EXPUNGED = "expunged"
RENUMBERED = "renumbered"

_AT_ONCE = 5000  # rows held at a time: a server may lose very many messages in one go


@dataclass(frozen=True, slots=True)
class _Present:
    """A placement that is not gone, as the catalog holds it."""

    uid: int
    first_run: int
    message_id: int
    flag_set_id: int
    size: int


class MailboxWriter:
    """Writes into one mailbox under one UIDVALIDITY."""

    def __init__(
        self,
        connection: Connection,
        messages: MessageWriter,
        run: int,
        mailbox_id: int,
        uidvalidity: int,
    ) -> None:
        self._connection = connection
        self._messages = messages
        self._run = run
        self._mailbox_id = mailbox_id
        self._uidvalidity = uidvalidity
        self._key = {"mailbox_id": mailbox_id, "uidvalidity": uidvalidity}
        self._here = {"in_mailbox": mailbox_id, "under": uidvalidity}

    def write(self, record: MailboxChanged) -> None:
        owed = self._owed_uids()
        if record.placed:
            self._place(list({each.uid: each for each in record.placed}.values()))
        if record.reflagged:
            flags = {e.uid: self._messages.flag_set_id(e.flags) for e in record.reflagged}
            self._reflag(self._present(flags), flags)
            self._relabel(record.reflagged)
        removed = set(record.removed)
        for some in chunked(record.expunged, _AT_ONCE):
            ending = self._present(some)
            self._end(ending)
            self._note_removed(ending, removed)
        self._settle(owed & {*(each.uid for each in record.placed), *record.expunged})
        if record.owed:
            self._owe(record.owed)
        if record.is_complete:
            self._end_other_numbering()
        self._move_cursor(record)

    def remove_everything(self) -> None:
        """The mailbox is gone, and all that was in it."""
        present = (placement.c.mailbox_id == self._mailbox_id) & placement.c.gone_run.is_(None)
        self._connection.execute(
            update(placement).where(present).values(gone_run=self._run, gone_how=EXPUNGED)
        )
        self._count_again()
        unsettled = (debt.c.mailbox_id == self._mailbox_id) & debt.c.settled_run.is_(None)
        self._connection.execute(update(debt).where(unsettled).values(settled_run=self._run))

    def _place(self, placed: Sequence[Placed]) -> None:
        numbers = self._messages.message_ids(placed)
        present = {each.uid: each for each in self._present_among(placed)}
        flags = {each.uid: self._messages.flag_set_id(each.flags) for each in placed}
        same = {
            each.uid
            for each in placed
            if each.uid in present and present[each.uid].message_id == numbers[each.digest]
        }
        # RFC 9051 2.3.1.1 forbids a UID to change its message; servers do it all the same.
        self._end([each for each in present.values() if each.uid not in same])
        self._reflag((present[uid] for uid in same), flags)
        self._rename(present, {int(each.uid): each for each in placed if each.uid in same})
        rows = [
            self._row(each, numbers[each.digest], flags[each.uid])
            for each in placed
            if each.uid not in same
        ]
        self._mark(placed)
        if rows:
            execute_many(self._connection, _PLACE, rows)
            octets = sum(each.size for each in placed if each.uid not in same)
            self._add_up(len(rows), octets)

    def _mark(self, placed: Iterable[Placed]) -> None:
        """Keep what the server says of messages over all mailboxes."""
        rows = [
            {
                **self._key,
                "uid": each.uid,
                "email_id": storable(each.email_id),
                "labels": None if each.labels is None else write_list(sorted(each.labels)),
            }
            for each in placed
            if each.email_id is not None or each.labels is not None
        ]
        if rows:
            execute_many(self._connection, _MARK, rows)

    def _row(self, placed: Placed, message_id: int, flag_set_id: int) -> dict[str, Any]:
        instant = placed.internal_date
        return {
            "mailbox_id": self._mailbox_id,
            "uidvalidity": self._uidvalidity,
            "uid": placed.uid,
            "first_run": self._run,
            "message_id": message_id,
            "flag_set_id": flag_set_id,
            "internal_date": None if instant is None else to_seconds(instant),
            "internal_zone": None if instant is None else to_zone(instant),
            "uidl": storable(placed.uidl),
            "gone_run": None,
            "gone_how": None,
        }

    def _present_among(self, placed: Sequence[Placed]) -> list[_Present]:
        """Usually none: new messages have UIDs above all others."""
        highest = self._connection.scalar(_HIGHEST, self._here)
        known = [each.uid for each in placed if highest is not None and each.uid <= highest]
        return self._present(known)

    def _present(self, uids: Collection[Uid]) -> list[_Present]:
        return [
            _Present(*row)
            for some in chunked(list(uids), PARAMETERS)
            for row in self._connection.execute(_PRESENT, {**self._here, "uids": some})
        ]

    def _reflag(self, present: Iterable[_Present], flags: dict[Uid, int]) -> None:
        changed = [each for each in present if flags[Uid(each.uid)] != each.flag_set_id]
        earlier = [each for each in changed if each.first_run != self._run]
        if earlier:
            execute_many(
                self._connection,
                _CHANGE_FLAGS,
                [
                    {**self._key, "uid": e.uid, "run": self._run, "previous_id": e.flag_set_id}
                    for e in earlier
                ],
            )
        if changed:
            execute_many(
                self._connection,
                _REFLAG,
                [self._bound(e) | {"flags": flags[Uid(e.uid)]} for e in changed],
            )

    def _relabel(self, reflagged: Sequence[Reflagged]) -> None:
        """Keep the labels as they are now; what they were stands in the journal."""
        rows = [
            {**self._key, "uid": each.uid, "labels": write_list(sorted(each.labels))}
            for each in reflagged
            if each.labels is not None
        ]
        if rows:
            execute_many(self._connection, _RELABEL, rows)

    def _rename(self, present: dict[int, _Present], placed: dict[int, Placed]) -> None:
        """Keep the id by which the server knows a message now, where it gives one."""
        rows = [
            self._bound(present[uid]) | {"name": storable(each.uidl)}
            for uid, each in placed.items()
            if each.uidl is not None
        ]
        if rows:
            execute_many(self._connection, _RENAME, rows)

    def _end(self, present: Sequence[_Present]) -> None:
        rows = [self._bound(e) | {"run": self._run, "how": EXPUNGED} for e in present]
        if rows:
            execute_many(self._connection, _END, rows)
            octets = sum(each.size for each in present)
            self._add_up(-len(rows), -octets)

    def _note_removed(self, ended: Sequence[_Present], removed: set[Uid]) -> None:
        """Tell what we asked the server to delete from what went by itself."""
        rows = [
            {**self._key, "uid": each.uid, "run": self._run}
            for each in ended
            if each.uid in removed
        ]
        if rows:
            execute_many(self._connection, _REMOVED, rows)

    def _bound(self, present: _Present) -> dict[str, Any]:
        return {**self._here, "number": present.uid, "since": present.first_run}

    def _owed_uids(self) -> set[int]:
        return set(self._connection.scalars(_OWED, self._here))

    def _settle(self, uids: set[int]) -> None:
        for some in chunked(sorted(uids), PARAMETERS):
            values = {**self._here, "uids": some, "run": self._run}
            self._connection.execute(_SETTLE, values)

    def _owe(self, owed: Sequence[Owed]) -> None:
        self._connection.execute(
            _OWE,
            [
                {
                    **self._key,
                    "uid": each.uid,
                    "reason": storable(each.reason),
                    "attempts": 1,
                    "first_run": self._run,
                    "last_run": self._run,
                }
                for each in owed
            ],
        )

    def _end_other_numbering(self) -> None:
        """Placements under another UIDVALIDITY are history, and so are its debts."""
        is_here = exists().where(
            _AGAIN.c.message_id == placement.c.message_id,
            _here(_AGAIN),
            _AGAIN.c.gone_run.is_(None),
        )
        ended = self._connection.execute(
            update(placement)
            .where(_elsewhere(placement), placement.c.gone_run.is_(None))
            .values(gone_run=self._run, gone_how=case((is_here, RENUMBERED), else_=EXPUNGED)),
            self._here,
        )
        if ended.rowcount:
            self._count_again()
        self._connection.execute(
            update(debt)
            .where(_elsewhere(debt), debt.c.settled_run.is_(None))
            .values(settled_run=self._run),
            self._here,
        )

    def _count_again(self) -> None:
        present = (placement.c.mailbox_id == self._mailbox_id) & placement.c.gone_run.is_(None)
        query = (
            select(func.count(), func.coalesce(func.sum(message.c.size), 0))
            .select_from(placement.join(message, message.c.id == placement.c.message_id))
            .where(present)
        )
        messages, octets = self._connection.execute(query).one()
        self._connection.execute(
            update(mailbox)
            .where(mailbox.c.id == self._mailbox_id)
            .values(messages=messages, octets=octets)
        )

    def _add_up(self, messages: int, octets: int) -> None:
        more = {"in_mailbox": self._mailbox_id, "more": messages, "more_octets": octets}
        self._connection.execute(_ADD_UP, more)

    def _move_cursor(self, record: MailboxChanged) -> None:
        values: dict[str, Any] = dict(self._here)
        if record.cursor is not None:
            values["position"] = storable(record.cursor)
        self._connection.execute(_RENUMBER if record.cursor is None else _MOVE, values)


def _here(table: Any) -> ColumnElement[bool]:  # Any: a table or its alias
    where: ColumnElement[bool] = (table.c.mailbox_id == bindparam("in_mailbox")) & (
        table.c.uidvalidity == bindparam("under")
    )
    return where


def _elsewhere(table: Any) -> ColumnElement[bool]:
    other = table.c.uidvalidity
    here: BindParameter[int] = bindparam("under")
    where: ColumnElement[bool] = (table.c.mailbox_id == bindparam("in_mailbox")) & (
        (other < here) | (other > here)
    )
    return where


# Statements are made once: making one costs more than what SQLite does for it.

_AGAIN = placement.alias()  # made once: an alias copies every column

_HIGHEST = select(func.max(placement.c.uid)).where(_here(placement))
_PRESENT = (
    select(
        placement.c.uid,
        placement.c.first_run,
        placement.c.message_id,
        placement.c.flag_set_id,
        message.c.size,
    )
    .join(message, message.c.id == placement.c.message_id)
    .where(
        _here(placement),
        placement.c.gone_run.is_(None),
        placement.c.uid.in_(bindparam("uids", expanding=True)),
    )
)
_OWED = select(debt.c.uid).where(_here(debt), debt.c.settled_run.is_(None))
_SETTLE = (
    update(debt)
    .where(_here(debt), debt.c.uid.in_(bindparam("uids", expanding=True)))
    .values(settled_run=bindparam("run"))
)
_RENUMBER = (
    update(mailbox)
    .where(mailbox.c.id == bindparam("in_mailbox"))
    .values(uidvalidity=bindparam("under"))
)
_MOVE = _RENUMBER.values(cursor=bindparam("position"))
_ADD_UP = (
    update(mailbox)
    .where(mailbox.c.id == bindparam("in_mailbox"))
    .values(
        messages=mailbox.c.messages + bindparam("more"),
        octets=mailbox.c.octets + bindparam("more_octets"),
    )
)

_BOUND = (
    _here(placement)
    & (placement.c.uid == bindparam("number"))
    & (placement.c.first_run == bindparam("since"))
)
_CHANGE_FLAGS = insert(flag_change).on_conflict_do_nothing()
_REFLAG = update(placement).where(_BOUND).values(flag_set_id=bindparam("flags"))
_RENAME = update(placement).where(_BOUND).values(uidl=bindparam("name"))
_END = (
    update(placement).where(_BOUND).values(gone_run=bindparam("run"), gone_how=bindparam("how"))
)

_REMOVED = insert(removal).on_conflict_do_nothing()

_new = insert(placement)
_PLACE = _new.on_conflict_do_update(  # the UID came and went within this run
    index_elements=list(placement.primary_key),
    set_={
        column.name: _new.excluded[column.name]
        for column in placement.columns
        if not column.primary_key
    },
)
_marking = insert(server_mark)
_MARK = _marking.on_conflict_do_update(
    index_elements=list(server_mark.primary_key),
    set_={"email_id": _marking.excluded.email_id, "labels": _marking.excluded.labels},
)
_RELABEL = _marking.on_conflict_do_update(
    index_elements=list(server_mark.primary_key),
    set_={"labels": _marking.excluded.labels},
)
_owing = insert(debt)
_OWE = _owing.on_conflict_do_update(
    index_elements=list(debt.primary_key),
    set_={
        "reason": _owing.excluded.reason,
        "last_run": _owing.excluded.last_run,
        "attempts": debt.c.attempts + 1,
        "settled_run": None,
    },
)
