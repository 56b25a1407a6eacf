"""How the life of a message is shown, to programs and to people."""

from collections.abc import Iterator

from mailvault.archive.catalog.views import PlacementView
from mailvault.cli.output import JsonValue, json_time
from mailvault.cli.render import flags_text, size_text, time_text
from mailvault.cli.terminal import printable
from mailvault.mail.model import Flags
from mailvault.operations.history import Event, EventKind, History


def history_json(history: History) -> dict[str, JsonValue]:
    message = history.message
    return {
        "schema": 1,
        "digest": str(message.digest),
        "size": message.size,
        "message_id": message.message_id,
        "date": json_time(message.date),
        "from": message.from_,
        "subject": message.subject,
        "events": [_event_json(event) for event in history.events],
        "present": [
            _place_json(place) for place in message.placements if place.gone_since is None
        ],
    }


def _event_json(event: Event) -> dict[str, JsonValue]:
    before = event.mailbox_before
    return {
        "run": event.run,
        "at": json_time(event.at),
        "event": event.kind.value,
        "account": event.account,
        "mailbox": str(event.mailbox),
        "mailbox_before": str(before) if before else None,
        "uidvalidity": event.uidvalidity,
        "remote_id": event.remote_id,
        "flags": sorted(event.flags),
        "flags_before": None if event.flags_before is None else sorted(event.flags_before),
    }


def _place_json(place: PlacementView) -> dict[str, JsonValue]:
    return {
        "account": place.account,
        "mailbox": str(place.mailbox),
        "uidvalidity": place.uidvalidity,
        "remote_id": place.remote_id,
        "flags": sorted(place.flags),
    }


def history_lines(history: History) -> Iterator[str]:
    message = history.message
    yield f"{message.digest}  {size_text(message.size)}"
    yield printable(
        f"{time_text(message.date)}  {message.from_ or '-'}  {message.subject or '-'}"
    )
    yield ""
    for event in history.events:
        yield printable(f"{time_text(event.at)}  run {event.run}  {_told(event)}")
    if not any(place.gone_since is None for place in message.placements):
        yield "the server has it no more; the archive has"


def _told(event: Event) -> str:
    there = f"{event.account} {event.mailbox}"
    as_number = f"as number {event.remote_id}"
    match event.kind:
        case EventKind.ARRIVED:
            return f"arrived in {there} {as_number}, {_flags(event.flags)}"
        case EventKind.MOVED:
            moved = f"moved from {event.mailbox_before} to {there} {as_number}"
            return moved + _other_flags(event)
        case EventKind.RENUMBERED:
            return f"got another number in {there}: {event.remote_id}{_other_flags(event)}"
        case EventKind.FLAGS:
            return f"{_flags(event.flags)} in {there}{_before(event)}"
        case EventKind.MAILBOX_RENAMED:
            return f"its mailbox was renamed from {event.mailbox_before} to {there}"
        case EventKind.GONE:
            return f"gone from {there}; it had {_flags(event.flags)}"


def _flags(flags: Flags) -> str:
    return f"flags {flags_text(flags)}" if flags else "no flags"


def _before(event: Event) -> str:
    return "" if event.flags_before is None else f"; it had {_flags(event.flags_before)}"


def _other_flags(event: Event) -> str:
    return "" if event.flags_before is None else f", with {_flags(event.flags)}"
