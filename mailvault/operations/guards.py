"""When what a run found looks like a disaster and not like a wish. Pure.

A guard takes nothing back and stops nothing: the archive loses nothing anyway. It says so
with numbers, and until a person accepts it nothing is pruned or deleted on the server.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mailvault.mail.model import MailboxName

LOSS_FEWEST = 50
LOSS_SHARE = 0.2
"""More than so many messages, and more than this share, gone at once: suspicious."""

TURNOVER_FEWEST = 10
"""So many messages, all of them gone while others came: suspicious."""

REPLACED_FEWEST = 10
REPLACED_SHARE = 0.1
"""More messages than these that come back with other octets: suspicious. Drafts do."""

MOVED_FEWEST = 3
"""So many mailboxes, and more than half of them, with other names or gone: suspicious."""

_SWEPT_USES = frozenset({"\\Trash", "\\Junk"})
_SWEPT_NAMES = frozenset(
    {"trash", "deleted items", "deleted messages", "junk", "junk e-mail", "spam"}
)
"""What servers call them that do not say what a mailbox is for (RFC 6154)."""


@dataclass(frozen=True, slots=True)
class Toll:
    """What a run took from one mailbox.

    ``lost`` messages lie in no other mailbox of the account: moving mail loses none.
    Of these ``replaced`` came back to the mailbox with the same Message-ID and other octets.
    ``is_swept``: a mailbox that people empty, which alone is no disaster.
    """

    before: int
    after: int
    lost: int
    replaced: int = 0
    is_swept: bool = False


def is_swept(name: MailboxName, special_use: str | None) -> bool:
    """Whether this is a mailbox for what is to be thrown away."""
    return special_use in _SWEPT_USES or name.parts[-1].casefold() in _SWEPT_NAMES


def suspicious_loss(toll: Toll) -> str | None:
    """Say why what became of a mailbox looks like a disaster; None when it does not."""
    if toll.replaced > max(REPLACED_FEWEST, toll.before * REPLACED_SHARE):
        return (
            f"{toll.replaced} of {toll.before} messages came back with other octets "
            "under the same Message-ID"
        )
    if toll.is_swept or not toll.before or not toll.lost:
        return None
    if not toll.after:
        messages = "1 message" if toll.before == 1 else f"{toll.before} messages"
        return f"the mailbox had {messages} and now lists none"
    if toll.lost >= toll.before >= TURNOVER_FEWEST:
        return f"all {toll.before} messages are gone, and {toll.after} others are there"
    if _is_heavy(toll.lost, toll.before):
        return f"{toll.lost} of {toll.before} messages are gone at once"
    return None


def suspicious_deletion(mailboxes: int, lost: int, before: int) -> str | None:
    """Say why mailboxes that are gone look like a disaster; None when they do not.

    ``lost`` messages of the account's ``before`` lay in them and lie nowhere else now.
    """
    if _is_heavy(lost, before):
        return (
            f"{mailboxes} mailboxes with {lost} of {before} messages are gone from the server"
        )
    return None


def suspicious_total(tolls: Sequence[Toll], gone: int, before: int) -> str | None:
    """Say why all the small losses of an account together look like a disaster.

    ``gone`` messages were lost with whole mailboxes.
    """
    lost = gone + sum(toll.lost for toll in tolls)
    if _is_heavy(lost, before):
        return f"{lost} of the account's {before} messages are gone at once"
    return None


def suspicious_renaming(renamed: int, gone: int, before: int) -> str | None:
    """Say why the names that changed look like a disaster; None when they do not.

    INBOX, which cannot be renamed, does not count.
    """
    moved = renamed + gone
    if moved >= MOVED_FEWEST and moved * 2 > before:
        return f"of {before} mailboxes {renamed} have other names and {gone} are gone at once"
    return None


def _is_heavy(lost: int, before: int) -> bool:
    return lost > LOSS_FEWEST and lost > before * LOSS_SHARE
