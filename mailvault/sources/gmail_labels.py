"""What Gmail says beyond IMAP: labels. One message lies in several folders, one for each."""

from collections.abc import Collection, Iterable

from mailvault.mail.model import INBOX, Mailbox, Uid
from mailvault.ports import Known
from mailvault.transport.imap_values import Fetched

_OF_SPECIAL_USE = {
    "\\Sent": "\\Sent",
    "\\Drafts": "\\Draft",
    "\\Flagged": "\\Starred",
    "\\Important": "\\Important",
}


def names_messages(capabilities: Collection[str]) -> bool:
    """Whether the server names messages over all mailboxes: Gmail, or RFC 8474."""
    return "X-GM-EXT-1" in capabilities or "OBJECTID" in capabilities


def own_label(mailbox: Mailbox) -> str | None:
    """The label that the folder stands for: X-GM-LABELS leaves it out of what it lists.

    All Mail, Spam and Trash stand for none.
    """
    if mailbox.name == INBOX:
        return "\\Inbox"
    if mailbox.special_use is not None:
        return _OF_SPECIAL_USE.get(mailbox.special_use)
    is_of_the_system = mailbox.name.parts[0] in ("[Gmail]", "[Google Mail]")
    return None if is_of_the_system else str(mailbox.name)


class Labels:
    """The labels of one folder's messages: as listed, with its own one, and as archived."""

    def __init__(self, known: Known, own: str | None) -> None:
        self._known = known
        self._own = frozenset() if own is None else frozenset({own})

    def of(self, fetched: Fetched) -> frozenset[str] | None:
        return None if fetched.labels is None else fetched.labels | self._own

    def changed(self, messages: Iterable[Fetched]) -> dict[Uid, frozenset[str]]:
        """Those labels that are others than the archived ones."""
        told = {m.uid: m.labels | self._own for m in messages if m.labels is not None}
        known = self._known.labels(list(told)) if told else {}
        return {uid: labels for uid, labels in told.items() if known.get(uid) != labels}
