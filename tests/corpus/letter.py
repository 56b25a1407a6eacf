"""A message as it shall lie on a server."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Letter:
    octets: bytes
    flags: frozenset[str] = frozenset()
    internal_date: datetime | None = None
