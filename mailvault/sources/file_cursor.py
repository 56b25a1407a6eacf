"""What an import keeps of a mailbox for the next one, written into a `Cursor`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from mailvault.mail.model import Cursor, Uid


@dataclass(frozen=True, slots=True)
class FileCursor:
    """Numbers given out, and the messages owed, by the paths of their files."""

    next: int = 1
    owed: Mapping[str, Uid] = field(default_factory=dict)

    @classmethod
    def parse(cls, cursor: Cursor | None) -> Self:
        """Read what `format` wrote; anything else is a fresh start, which costs nothing."""
        try:
            found = json.loads(cursor or "{}")
            owed = {str(key): Uid(int(uid)) for key, uid in found.get("owed", {}).items()}
            return cls(int(found.get("next", 1)), owed)
        except (ValueError, TypeError, AttributeError):
            return cls()

    def format(self) -> Cursor:
        fields: dict[str, object] = {"next": self.next}
        if self.owed:
            fields["owed"] = dict(self.owed)
        return Cursor(json.dumps(fields, separators=(",", ":"), sort_keys=True))
