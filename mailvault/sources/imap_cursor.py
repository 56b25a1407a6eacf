"""Where a pass over an IMAP mailbox resumes: what the source writes into a `Cursor`."""

from dataclasses import dataclass
from typing import Self

from mailvault.mail.model import Cursor, MailboxState
from mailvault.protocols.imap.uidset import EMPTY, UidSet

_ABSENT = "-"


@dataclass(frozen=True, slots=True)
class ImapCursor:
    """Every message below ``uidnext`` is settled; flags and expunges are as of ``modseq``.

    ``messages`` is the server's count after a complete pass, None after a partial one.
    ``modseq`` is the HIGHESTMODSEQ (RFC 7162) told when the pass began, so changes made
    while bodies were fetched are asked for again next time.
    """

    uidvalidity: int
    uidnext: int = 1
    modseq: int | None = None
    messages: int | None = None
    asked: UidSet = EMPTY
    """Messages that we asked to be deleted, and nobody knows whether they were."""

    @classmethod
    def parse(cls, cursor: Cursor) -> Self | None:
        """Read what `format` wrote; None for anything else, which starts a full pass."""
        uidvalidity, *fields = cursor.split(":", 4)
        if len(fields) < 3:
            return None
        uidnext, modseq, messages, *asked = fields
        try:
            return cls(
                int(uidvalidity),
                int(uidnext),
                None if modseq == _ABSENT else int(modseq),
                None if messages == _ABSENT else int(messages),
                UidSet.parse(asked[0].encode()) if asked else EMPTY,
            )
        except ValueError:
            return None

    def format(self) -> Cursor:
        fields = (self.uidvalidity, self.uidnext, self.modseq, self.messages)
        text = ":".join(_ABSENT if f is None else str(f) for f in fields)
        return Cursor(f"{text}:{self.asked.encode().decode()}" if self.asked else text)

    def is_level_with(self, state: MailboxState) -> bool:
        """Whether nothing happened since.

        Without a HIGHESTMODSEQ flags may always have changed, where there are messages.
        """
        if self.messages is None or (self.modseq is None and self.messages) or self.asked:
            return False
        return (
            self.uidvalidity,
            self.uidnext,
            self.messages,
            self.modseq,
        ) == (state.uidvalidity, state.uidnext, state.messages, state.highestmodseq)
