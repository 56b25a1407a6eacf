"""How a mailbox may be called on a target, and which mailboxes are for the same use. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from mailvault.mail.model import INBOX, MailboxName

LONGEST_PART = 60
COPIES = 9
"""How many names that differ only in what the target ignores can be kept apart."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# What some server or other refuses in a name, or takes for a pattern or a namespace.
_RISKY = re.compile(r'[%*"\\/:<>|?&~#`^{}!]')

_USES = {
    "\\Sent": ("sent", "sent mail", "sent items", "sent messages", "sent-mail"),
    "\\Drafts": ("drafts", "draft"),
    "\\Trash": ("trash", "deleted items", "deleted messages", "bin"),
    "\\Junk": ("junk", "spam", "junk e-mail", "junk email", "junk mail", "bulk mail"),
    "\\Archive": ("archive", "archives"),
}
_USE_OF_NAME = {name: use for use, names in _USES.items() for name in names}

# The names that Gmail shows below a name of its own, for a target that has no such thing.
_PROVIDERS_OWN = ("[Gmail]", "[Google Mail]")
_USUAL_NAMES = {
    "\\Sent": "Sent",
    "\\Drafts": "Drafts",
    "\\Trash": "Trash",
    "\\Junk": "Junk",
    "\\Archive": "Archive",
}


@dataclass(frozen=True, slots=True)
class Naming:
    """How a target writes names: what it puts in front, and what between the levels."""

    delimiter: str | None
    prefix: tuple[str, ...] = ()

    def text(self, parts: tuple[str, ...]) -> str:
        if parts == INBOX.parts:
            return INBOX.parts[0]
        return (self.delimiter or "_").join((*self._prefix_for(parts), *parts))

    def _prefix_for(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        has_it = self.prefix and parts[0].upper() == self.prefix[0].upper()
        return () if has_it else self.prefix


def spellings(name: MailboxName, naming: Naming) -> Iterator[str]:
    """Names to try, the one that is most like ``name`` first; each once."""
    tried: set[str] = set()
    for parts in _forms(name, naming.delimiter):
        text = naming.text(parts)
        if text not in tried:
            tried.add(text)
            yield text


def _forms(name: MailboxName, delimiter: str | None) -> Iterator[tuple[str, ...]]:
    literal = tuple(_sayable(part, delimiter) for part in name.parts)
    plain = tuple(_plain(part) for part in literal)
    yield literal
    yield plain
    *parents, last = plain
    yield from ((*parents, f"{last} ({number})") for number in range(2, COPIES + 1))
    yield ("_".join(plain),)
    yield ("_".join(_ascii(part) for part in plain)[:LONGEST_PART],)


def _sayable(part: str, delimiter: str | None) -> str:
    """What must be changed in any case: the delimiter, and what is no text."""
    said = _CONTROL.sub("_", part)
    if delimiter is not None:
        said = said.replace(delimiter, "-" if delimiter == "_" else "_")
    return said or "_"


def _plain(part: str) -> str:
    plain = _RISKY.sub("_", unicodedata.normalize("NFC", part)).strip().strip(".")
    return plain[:LONGEST_PART].strip() or "_"


def _ascii(part: str) -> str:
    letters = unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9 _().-]", "_", letters).strip() or "_"


def likeness(text: str) -> str:
    """What is the same of two names that some servers cannot tell apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def use_of(name: MailboxName, special_use: str | None) -> str | None:
    """What a mailbox is for: as its server says, else as its name says."""
    if special_use is not None:
        return special_use
    if len(name.parts) > 1 and name.parts[0] not in (*_PROVIDERS_OWN, "INBOX"):
        return None
    return _USE_OF_NAME.get(name.parts[-1].casefold())


def without_provider(name: MailboxName, special_use: str | None) -> MailboxName:
    """The name for a target that knows nothing of the provider's own level."""
    if len(name.parts) < 2 or name.parts[0] not in _PROVIDERS_OWN:
        return name
    usual = _USUAL_NAMES.get(special_use or "")
    return MailboxName((usual,)) if usual else MailboxName(name.parts[1:])
