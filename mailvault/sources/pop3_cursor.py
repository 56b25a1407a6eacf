"""What the POP3 source keeps between two syncs, written into a `Cursor`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from mailvault.mail.model import Cursor, Uid
from mailvault.protocols.imap.uidset import EMPTY, UidSet


@dataclass(frozen=True, slots=True)
class Pop3Cursor:
    """Numbers given out, messages owed, and what was learned of the server.

    POP3 has no position to resume at: what is new is what the catalog does not know.
    """

    next: int = 1
    owed: Mapping[str, Uid] = field(default_factory=dict)  # by unique-id
    owed_unnamed: tuple[Uid, ...] = ()
    asked: UidSet = EMPTY
    """Messages that we asked to be deleted, and nobody knows whether they were."""
    hides_fetched: bool = False
    """The server no longer lists what was fetched once (Gmail): absence proves nothing."""
    tells_sizes: bool | None = None
    """Whether LIST has always told the true size; None before the first message."""

    @classmethod
    def parse(cls, cursor: Cursor | None) -> Self:
        """Read what `format` wrote; anything else is a fresh start, which costs nothing."""
        try:
            found = json.loads(cursor or "{}")
            return cls(
                next=int(found.get("next", 1)),
                owed={str(uidl): Uid(int(uid)) for uidl, uid in found.get("owed", {}).items()},
                owed_unnamed=tuple(Uid(int(uid)) for uid in found.get("unnamed", ())),
                asked=UidSet.parse(found["asked"].encode()) if "asked" in found else EMPTY,
                hides_fetched=bool(found.get("hides", False)),
                tells_sizes=found.get("sizes"),
            )
        except (ValueError, TypeError, AttributeError):
            return cls()

    def format(self) -> Cursor:
        fields = {
            "next": self.next,
            "owed": dict(self.owed),
            "unnamed": list(self.owed_unnamed),
            "asked": self.asked.encode().decode() if self.asked else None,
            "hides": self.hides_fetched or None,
            "sizes": self.tells_sizes,
        }
        kept = {key: value for key, value in fields.items() if value or value is False}
        return Cursor(json.dumps(kept, separators=(",", ":"), sort_keys=True))
