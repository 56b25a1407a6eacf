"""Records as JSON lines, and back: the words the journal is written in.

One line is one record, an array whose first member says which. Messages are short arrays
inside it, digests hexadecimal, times whole seconds with the zone in minutes (runs: whole
microseconds, UTC). docs/archive-format.md explains every field. What is written here must
be readable for ever: add, never change.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from mailvault.archive.instants import (
    from_microseconds,
    to_microseconds,
    to_seconds,
    to_zone,
    with_zone,
)
from mailvault.mail.changes import (
    Accepted,
    AccountAdded,
    AccountFinished,
    Healed,
    JobEnded,
    MailboxChanged,
    MailboxDescribed,
    MailboxFinished,
    MailboxGone,
    MemoryLost,
    Owed,
    Placed,
    Pruned,
    Quarantined,
    Record,
    Reflagged,
    RunFinished,
    RunStarted,
    Suspected,
)
from mailvault.mail.model import Cursor, Digest, Flag, Flags, MailboxName, RunNumber, Uid

Json: TypeAlias = Any  # JSON has no better name in mypy's words
Fields: TypeAlias = list[Json]


def encode(record: Record) -> bytes:
    """One line, with its newline. ASCII, so that any text survives any tool."""
    name, write = _WRITERS[type(record)]
    return json.dumps([name, *write(record)], separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Record:
    """Raises ValueError for anything that `encode` does not write."""
    try:
        name, *fields = json.loads(line)
        return _READERS[name](fields)
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise ValueError(f"not a record: {error!r}") from error


def _write_changed(record: MailboxChanged) -> Fields:
    flag_sets = _Numbering()
    placed = [
        [
            each.uid,
            str(each.digest),
            each.size,
            flag_sets.number(each.flags),
            *_write_date(each.internal_date),
            *_write_names(each),
        ]
        for each in record.placed
    ]
    reflagged = [
        [each.uid, flag_sets.number(each.flags), *_write_labels(each.labels)]
        for each in record.reflagged
    ]
    owed = [[each.uid, each.reason] for each in record.owed]
    return [
        record.mailbox_id,
        record.uidvalidity,
        record.cursor,
        int(record.is_complete),
        flag_sets.values,
        placed,
        reflagged,
        list(record.expunged),
        owed,
        *([list(record.removed)] if record.removed else []),
    ]


def _read_changed(fields: Fields) -> MailboxChanged:
    mailbox_id, uidvalidity, cursor, complete, sets, placed, reflagged, *gone = fields
    expunged, owed, removed = [*gone, ()][:3]
    flag_sets = [_read_flags(each) for each in sets]
    return MailboxChanged(
        mailbox_id=_number(mailbox_id),
        uidvalidity=_number(uidvalidity),
        cursor=None if cursor is None else Cursor(_text(cursor)),
        placed=tuple(_read_placed(each, flag_sets) for each in placed),
        reflagged=tuple(_read_reflagged(each, flag_sets) for each in reflagged),
        expunged=tuple(_uid(uid) for uid in expunged),
        owed=tuple(Owed(_uid(uid), _text(reason)) for uid, reason in owed),
        is_complete=bool(complete),
        removed=tuple(_uid(uid) for uid in removed),
    )


def _read_placed(fields: Fields, flag_sets: Sequence[Flags]) -> Placed:
    uid, digest, size, flags, seconds, zone, *names = fields
    uidl, email_id, labels = [*names, None, None, None][:3]
    return Placed(
        uid=_uid(uid),
        digest=Digest.parse(digest),
        size=_number(size),
        flags=flag_sets[flags],
        internal_date=None if seconds is None else with_zone(_number(seconds), zone),
        uidl=_optional_text(uidl),
        email_id=_optional_text(email_id),
        labels=_read_labels(labels),
    )


def _read_reflagged(fields: Fields, flag_sets: Sequence[Flags]) -> Reflagged:
    uid, flags, *labels = fields
    return Reflagged(_uid(uid), flag_sets[flags], _read_labels(*labels))


def _read_labels(labels: Json = None) -> frozenset[str] | None:
    return None if labels is None else frozenset(_text(each) for each in labels)


def _write_labels(labels: frozenset[str] | None) -> Fields:
    return [] if labels is None else [sorted(labels)]


def _write_names(placed: Placed) -> Fields:
    """What the server calls the message; most servers say nothing of all this."""
    if placed.email_id is None and placed.labels is None:
        return [] if placed.uidl is None else [placed.uidl]
    labels = None if placed.labels is None else sorted(placed.labels)
    return [placed.uidl, placed.email_id, labels]


def _write_date(instant: datetime | None) -> Fields:
    return [None, 0] if instant is None else [to_seconds(instant), to_zone(instant)]


class _Numbering:
    """Gives each distinct set of flags in a line its place in one list."""

    def __init__(self) -> None:
        self.values: list[list[str]] = []
        self._numbers: dict[Flags, int] = {}

    def number(self, flags: Flags) -> int:
        if flags not in self._numbers:
            self._numbers[flags] = len(self.values)
            self.values.append(sorted(flags))
        return self._numbers[flags]


def _read_flags(names: Iterable[str]) -> Flags:
    return frozenset(Flag(_text(name)) for name in names)


def _number(value: Json) -> int:
    if not isinstance(value, int):
        raise TypeError(f"not a number: {value!r}")
    return value


def _uid(value: Json) -> Uid:
    return Uid(_number(value))


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError(f"not a text: {value!r}")
    return value


def _optional_text(value: Json) -> str | None:
    return None if value is None else _text(value)


def _write_described(record: MailboxDescribed) -> Fields:
    return [
        record.mailbox_id,
        record.account_id,
        list(record.name.parts),
        record.special_use,
        record.is_subscribed,
        sorted(record.attributes),
        int(record.is_selectable),
    ]


def _read_described(fields: Fields) -> MailboxDescribed:
    mailbox_id, account_id, parts, special_use, is_subscribed, attributes, selectable = fields
    return MailboxDescribed(
        mailbox_id=_number(mailbox_id),
        account_id=_number(account_id),
        name=MailboxName(tuple(_text(part) for part in parts)),
        special_use=_optional_text(special_use),
        is_subscribed=None if is_subscribed is None else bool(is_subscribed),
        attributes=frozenset(_text(each) for each in attributes),
        is_selectable=bool(selectable),
    )


def _write_mailbox_finished(record: MailboxFinished) -> Fields:
    return [
        record.mailbox_id,
        record.arrived,
        record.flags_changed,
        record.expunged,
        record.unreadable,
        record.octets,
        round(record.seconds, 3),
        record.error,
    ]


def _read_mailbox_finished(fields: Fields) -> MailboxFinished:
    mailbox_id, arrived, flags_changed, expunged, unreadable, octets, seconds, error = fields
    return MailboxFinished(
        mailbox_id=_number(mailbox_id),
        arrived=_number(arrived),
        flags_changed=_number(flags_changed),
        expunged=_number(expunged),
        unreadable=_number(unreadable),
        octets=_number(octets),
        seconds=float(seconds),
        error=_optional_text(error),
    )


def _read_account_finished(fields: Fields) -> AccountFinished:
    account_id, at, error = fields
    return AccountFinished(_number(account_id), from_microseconds(at), _optional_text(error))


def _read_suspected(fields: Fields) -> Suspected:
    account_id, mailbox_id, reason = fields
    number = None if mailbox_id is None else _number(mailbox_id)
    return Suspected(_number(account_id), number, _text(reason))


def _write_job(record: JobEnded) -> Fields:
    return [
        record.kind,
        to_microseconds(record.started_at),
        to_microseconds(record.at),
        record.exit_code,
        record.account,
        record.checked,
        record.octets,
        record.detail,
    ]


def _read_job(fields: Fields) -> JobEnded:
    kind, started_at, at, exit_code, account, checked, octets, detail = fields
    return JobEnded(
        kind=_text(kind),
        started_at=from_microseconds(started_at),
        at=from_microseconds(at),
        exit_code=_number(exit_code),
        account=_optional_text(account),
        checked=_number(checked),
        octets=_number(octets),
        detail=_text(detail),
    )


def _write_digests(digests: Iterable[Digest]) -> Fields:
    return [str(each) for each in digests]


def _read_digests(fields: Fields) -> tuple[Digest, ...]:
    return tuple(Digest.parse(_text(each)) for each in fields)


_WRITERS: dict[type, tuple[str, Callable[[Any], Fields]]] = {  # Any: each takes its record
    RunStarted: ("run", lambda each: [each.run, to_microseconds(each.at)]),
    AccountAdded: ("account", lambda each: [each.account_id, each.name, each.protocol]),
    MailboxDescribed: ("mailbox", _write_described),
    MailboxGone: ("mailbox-gone", lambda each: [each.mailbox_id]),
    MailboxChanged: ("changed", _write_changed),
    Suspected: ("suspected", lambda each: [each.account_id, each.mailbox_id, each.reason]),
    Accepted: ("accepted", lambda each: [each.account_id]),
    MailboxFinished: ("mailbox-finished", _write_mailbox_finished),
    AccountFinished: (
        "account-finished",
        lambda each: [each.account_id, to_microseconds(each.at), each.error],
    ),
    RunFinished: ("run-finished", lambda each: [to_microseconds(each.at), each.exit_code]),
    JobEnded: ("job", _write_job),
    Pruned: ("pruned", lambda each: [_write_digests(each.digests)]),
    Quarantined: (
        "quarantined",
        lambda each: [to_microseconds(each.at), _write_digests(each.digests)],
    ),
    Healed: ("healed", lambda each: [_write_digests(each.digests)]),
    MemoryLost: ("memory-lost", lambda each: [each.reason]),
}

_READERS: dict[str, Callable[[Fields], Record]] = {
    "run": lambda each: RunStarted(RunNumber(_number(each[0])), from_microseconds(each[1])),
    "account": lambda each: AccountAdded(_number(each[0]), _text(each[1]), _text(each[2])),
    "mailbox": _read_described,
    "mailbox-gone": lambda each: MailboxGone(_number(each[0])),
    "changed": _read_changed,
    "suspected": _read_suspected,
    "accepted": lambda each: Accepted(_number(each[0])),
    "mailbox-finished": _read_mailbox_finished,
    "account-finished": _read_account_finished,
    "run-finished": lambda each: RunFinished(from_microseconds(each[0]), _number(each[1])),
    "job": _read_job,
    "pruned": lambda each: Pruned(_read_digests(each[0])),
    "quarantined": lambda each: Quarantined(from_microseconds(each[0]), _read_digests(each[1])),
    "healed": lambda each: Healed(_read_digests(each[0])),
    "memory-lost": lambda each: MemoryLost(_text(each[0])),
}
