"""The ledger as JSON, and back. A field that a later release added is ignored."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from datetime import UTC, datetime
from types import UnionType
from typing import TypeVar, get_origin, get_type_hints

from mailvault.alarms.ledger import Event, Kind, Ledger, Letter, Notice, OpenTrouble
from mailvault.operations.roundup import AccountRoundup, JobRoundup, Roundup

SCHEMA = 1
T = TypeVar("T")

# What JSON has no word for, by the name of its field.
_TIMES = frozenset(
    {"at", "since", "told_at", "not_before", "until", "last_success", "ended_at"}
)


def written(ledger: Ledger) -> bytes:
    document = {"schema": SCHEMA, **asdict(ledger)}
    return json.dumps(document, indent=1, default=_word).encode() + b"\n"


def understood(content: bytes) -> Ledger:
    """Raises ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError."""
    found = json.loads(content)
    if found["schema"] != SCHEMA:
        raise ValueError(f"schema {found['schema']}")
    return Ledger(
        saved=int(found["saved"]),
        known={name: _time(at) for name, at in found["known"].items()},
        troubles={key: _read(OpenTrouble, each) for key, each in found["troubles"].items()},
        outbox=tuple(_letter(each) for each in found["outbox"]),
        digested_at=_time_or_none(found.get("digested_at")),
    )


def _letter(found: Mapping[str, object]) -> Letter:
    notice = found["notice"]
    if not isinstance(notice, dict):
        raise TypeError("a letter without a notice")
    roundup = notice.get("roundup")
    if isinstance(roundup, dict):
        notice = {**notice, "roundup": _roundup(roundup)}
    return _read(Letter, {**found, "notice": _read(Notice, notice)})


def _roundup(found: Mapping[str, object]) -> Roundup:
    accounts, jobs = found["accounts"], found["jobs"]
    if not (isinstance(accounts, list) and isinstance(jobs, list)):
        raise TypeError("a digest without accounts or jobs")
    known = {
        "accounts": tuple(_read(AccountRoundup, each) for each in accounts),
        "jobs": tuple(_read(JobRoundup, each) for each in jobs),
    }
    return _read(Roundup, {**found, **known})


def _read(kind: type[T], found: Mapping[str, object]) -> T:
    assert is_dataclass(kind)
    known = {each.name for each in fields(kind)}
    values = {key: _value(key, each) for key, each in found.items() if key in known}
    for key, hint in get_type_hints(kind).items():
        is_plain = get_origin(hint) in (None, UnionType)
        if is_plain and key in values and not isinstance(values[key], hint):
            raise TypeError(f"{key} is not what it should be")
    return kind(**values)


def _value(key: str, value: object) -> object:
    if key in _TIMES:
        return _time_or_none(value)
    match key, value:
        case "kind", str():
            return Kind(value)
        case "event", str():
            return Event(value)
        case "parts", list():
            return frozenset(map(str, value))
        case "channels" | "troubles", list():
            return tuple(map(str, value))
    return value


def _time_or_none(value: object) -> datetime | None:
    return None if value is None else _time(value)


def _time(value: object) -> datetime:
    instant = datetime.fromisoformat(str(value))
    if instant.tzinfo is None:
        raise ValueError(f"{value} has no zone")
    return instant.astimezone(UTC)


def _word(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON")
