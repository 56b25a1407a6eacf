"""A notice as the channels carry it: JSON for programs, a title and a text for people."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from mailvault.alarms import roundup_wording
from mailvault.alarms.ledger import Event, Notice
from mailvault.mail.json_values import JsonValue

SCHEMA = 1
_WORDS = {
    Event.FAILURE: "failure",
    Event.SUSPICION: "suspicious",
    Event.NEEDS_LOGIN: "needs a login",
    Event.RECOVERY: "recovered",
    Event.REMINDER: "still wrong",
    Event.DIGEST: "digest",
    Event.TEST: "test",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Which of several machines and archives it is about."""

    host: str
    archive: str


def as_json(notice: Notice, place: Place) -> bytes:
    """One object on one line; docs/alarms.md describes the fields."""
    fields: dict[str, JsonValue] = {
        "schema": SCHEMA,
        "id": notice.id,
        "event": notice.event,
        "kind": notice.kind,
        "account": notice.account,
        "job": notice.job,
        "at": _instant(notice.at),
        "since": _instant(notice.since),
        "exit_code": notice.exit_code,
        "summary": notice.summary,
        "hint": notice.hint,
        "host": place.host,
        "archive": place.archive,
    }
    if notice.roundup is not None:
        fields["digest"] = roundup_wording.roundup_json(notice.roundup)
    return json.dumps(fields).encode() + b"\n"


def variables(notice: Notice) -> dict[str, str]:
    """The most wanted fields for a command's environment."""
    fields = {
        "EVENT": notice.event,
        "KIND": notice.kind,
        "ACCOUNT": notice.account,
        "JOB": notice.job,
        "EXIT_CODE": notice.exit_code,
        "SUMMARY": notice.summary,
    }
    return {
        f"MAILVAULT_{key}": "" if each is None else str(each) for key, each in fields.items()
    }


def title(notice: Notice, place: Place) -> str:
    about = f"{notice.account or notice.job}: " if notice.account or notice.job else ""
    said = f": {notice.summary}" if notice.event is Event.DIGEST else ""
    return f"[mailvault] {place.host}: {about}{_WORDS[notice.event]}{said}"


def text(notice: Notice, place: Place) -> str:
    if notice.roundup is not None:
        lines = list(roundup_wording.lines(notice.roundup))
    else:
        lines = [notice.summary]
    if notice.hint:
        lines += ["", notice.hint]
    lines += ["", f"archive    {place.archive} on {place.host}"]
    if notice.job:
        lines.append(f"job        {notice.job}")
    if notice.kind:
        lines.append(f"kind       {notice.kind}")
    if notice.exit_code is not None:
        lines.append(f"exit code  {notice.exit_code}")
    if notice.since is not None:
        lines.append(f"since      {_instant(notice.since)}")
    lines.append(f"at         {_instant(notice.at)}")
    return "\n".join(lines) + "\n"


def _instant(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
