"""What Gmail says beyond IMAP: labels. One message lies in several folders, one for each."""

from collections.abc import Collection

from mailvault.mail.model import INBOX, Mailbox

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
