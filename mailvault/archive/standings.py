"""How each account stands with its server: refused logins, pauses, and the day's octets.

A small file beside the catalog, for politeness alone: it may be deleted, and then nobody
remembers that a server asked us to wait. Only the holder of the archive's lock writes it.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from mailvault.archive.private import explained, write_file
from mailvault.mail.json_values import ROTTEN

log = logging.getLogger(__name__)

LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Standing:
    """One account. ``refusals`` are refused logins in a row; ``until`` ends its pause.

    ``secret`` is a mark by which a changed secret is noticed, and not the secret.
    """

    refusals: int = 0
    until: datetime | None = None
    reason: str | None = None
    day: date | None = None
    octets: int = 0
    secret: str | None = None


class Standings:
    """The file. What cannot be read says nothing, and is written anew."""

    def __init__(self, archive: Path) -> None:
        self._path = archive / "standings.json"
        self._keeping = Lock()

    def all(self) -> Mapping[str, Standing]:
        """Every account of which anything is remembered."""
        try:
            with self._path.open("rb") as file:
                found = json.loads(file.read(LARGEST))
            accounts = list(found["accounts"].items())
        except FileNotFoundError:
            return {}
        except ROTTEN as error:
            log.warning("%s cannot be read, and is ignored: %r", self._path, error)
            return {}
        return dict(self._readable(accounts))

    def _readable(self, accounts: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Standing]]:
        # Any: what JSON may hold
        for name, fields in accounts:
            try:
                yield name, _read(fields)
            except ROTTEN as error:
                log.warning("%s: what it says of %s is ignored: %r", self._path, name, error)

    def of(self, account: str) -> Standing:
        return self.all().get(account, Standing())

    def keep(self, account: str, standing: Standing) -> None:
        """Remember how an account stands; from any thread. Raises ArchiveError."""
        with self._keeping:
            accounts = dict(self.all())
            if accounts.get(account, Standing()) == standing:
                return
            accounts[account] = standing
            content = {"schema": 1, "accounts": {k: _written(v) for k, v in accounts.items()}}
            with explained(self._path.parent):
                write_file(self._path, json.dumps(content, indent=1).encode() + b"\n")


def _written(standing: Standing) -> dict[str, object]:
    return {
        "refusals": standing.refusals,
        "until": standing.until.isoformat() if standing.until else None,
        "reason": standing.reason,
        "day": standing.day.isoformat() if standing.day else None,
        "octets": standing.octets,
        "secret": standing.secret,
    }


def _read(fields: Mapping[str, object]) -> Standing:
    until, day, reason = fields.get("until"), fields.get("day"), fields.get("reason")
    secret = fields.get("secret")
    instant = datetime.fromisoformat(str(until)) if until else None
    if instant is not None and instant.tzinfo is None:
        raise ValueError(f"{until} has no zone")
    return Standing(
        refusals=max(0, int(str(fields.get("refusals", 0)))),
        until=None if instant is None else instant.astimezone(UTC),
        reason=str(reason) if reason else None,
        day=date.fromisoformat(str(day)) if day else None,
        octets=max(0, int(str(fields.get("octets", 0)))),
        secret=str(secret) if secret else None,
    )
