"""Where a pass over an IMAP mailbox resumes: what the source writes into a `Cursor`."""

from dataclasses import dataclass
from typing import Self

from mailvault.mail.model import Cursor, MailboxState

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

    @classmethod
    def parse(cls, cursor: Cursor) -> Self | None:
        """Read what `format` wrote; None for anything else, which starts a full pass."""
        fields = [None if field == _ABSENT else field for field in cursor.split(":")]
        if len(fields) != 4 or fields[0] is None or fields[1] is None:
            return None
        try:
            modseq, messages = (None if f is None else int(f) for f in fields[2:])
            return cls(int(fields[0]), int(fields[1]), modseq, messages)
        except ValueError:
            return None

    def format(self) -> Cursor:
        fields = (self.uidvalidity, self.uidnext, self.modseq, self.messages)
        return Cursor(":".join(_ABSENT if f is None else str(f) for f in fields))

    def is_level_with(self, state: MailboxState) -> bool:
        """Whether nothing happened since.

        Without a HIGHESTMODSEQ flags may always have changed, where there are messages.
        """
        if self.messages is None or (self.modseq is None and self.messages):
            return False
        return (
            self.uidvalidity,
            self.uidnext,
            self.messages,
            self.modseq,
        ) == (state.uidvalidity, state.uidnext, state.messages, state.highestmodseq)
