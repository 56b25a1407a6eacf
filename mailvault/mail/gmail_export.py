"""The labels of a Google Takeout: which are mailboxes, and which say something of a message.

Takeout writes one mbox with all mail, in which ``X-Gmail-Labels`` names each message's labels
in the language of the account; the words here are the English ones.
"""

from collections.abc import Iterable

from mailvault.mail.folder_names import of_parts
from mailvault.mail.model import DRAFT, FLAGGED, INBOX, SEEN, Flag, Flags, MailboxName

IMPORTANT = Flag("$Important")  # RFC 8457

_MARKS = {"unread", "opened", "starred", "important", "chat"}
_ARCHIVED = "archived"
_SPECIAL = {
    "inbox": (INBOX, None),
    "sent": (MailboxName(("Sent",)), "\\Sent"),
    "drafts": (MailboxName(("Drafts",)), "\\Drafts"),
    "draft": (MailboxName(("Drafts",)), "\\Drafts"),
    "spam": (MailboxName(("Spam",)), "\\Junk"),
    "trash": (MailboxName(("Trash",)), "\\Trash"),
}
ARCHIVED = MailboxName(("Archived",))


def special_use(name: MailboxName) -> str | None:
    """What RFC 6154 calls one of Gmail's own mailboxes."""
    if name == ARCHIVED:
        return "\\Archive"
    return next((use for known, use in _SPECIAL.values() if known == name), None)


def mailboxes(labels: Iterable[str]) -> tuple[MailboxName, ...]:
    """The mailboxes a message lies in: one for each label that is a place.

    Without any it was archived, as Gmail calls it. A label ``a/b`` is a level below ``a``.
    """
    found = []
    for label in labels:
        word = label.casefold()
        if word in _SPECIAL:
            found.append(_SPECIAL[word][0])
        elif word not in _MARKS and word != _ARCHIVED and not _is_category(word):
            found.append(of_parts(label.split("/")))
    return tuple(dict.fromkeys(found)) or (ARCHIVED,)


def flags(labels: Iterable[str]) -> Flags | None:
    """What Gmail's own labels say; None if there is none in English, for then nobody knows."""
    words = {label.casefold() for label in labels}
    if not any(_is_gmails(word) for word in words):
        return None
    found = {
        SEEN: "unread" not in words,
        FLAGGED: "starred" in words,
        IMPORTANT: "important" in words,
        DRAFT: bool(words & {"draft", "drafts"}),
    }
    return frozenset(flag for flag, holds in found.items() if holds)


def _is_gmails(word: str) -> bool:
    return word in _MARKS or word in _SPECIAL or word == _ARCHIVED or _is_category(word)


def _is_category(word: str) -> bool:
    return word.startswith("category ")


def is_file_of(stem: str, label: str) -> bool:
    """Whether Takeout names the file of a label so: it replaces slashes in it."""
    is_place = mailboxes((label,)) != (ARCHIVED,) or label.casefold() == _ARCHIVED
    return is_place and _letters(stem) == _letters(label)


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
