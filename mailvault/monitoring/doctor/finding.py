"""What a part of the report consists of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mailvault.mail.json_values import JsonValue


class Gravity(StrEnum):
    """Worst first. A note wants no action."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    gravity: Gravity
    what: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Facts by name, and what is remarkable about them. ``exit_code`` is that of its error."""

    facts: Mapping[str, JsonValue]
    findings: tuple[Finding, ...] = ()
    exit_code: int = 0


def error(what: str, hint: str | None = None) -> Finding:
    return Finding(Gravity.ERROR, what, hint)


def warning(what: str, hint: str | None = None) -> Finding:
    return Finding(Gravity.WARNING, what, hint)


def note(what: str, hint: str | None = None) -> Finding:
    return Finding(Gravity.NOTE, what, hint)
