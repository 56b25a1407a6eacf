"""Mailbox names as paths that any file system can hold, each name its own path.

A mailbox name comes from a server and may be anything: ``..``, a slash, a NUL, 10,000
characters, ``Trash`` beside ``trash``. No part of it becomes a part of a path unescaped, and
two names never share a path, not even where upper and lower case or NFC and NFD are one.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence

from mailvault.mail.model import MailboxName

LONGEST = 200
"""Octets of one path component: file systems take 255, and endings are added to it."""

EXPORT_RECORD = "mailvault-export.jsonl"
"""The file in which an export says which folder holds which mailbox."""

Steps = Callable[[MailboxName], Sequence[tuple[tuple[str, ...], str]]]
"""A layout: for each component of a mailbox's path, the name up to it and its proposal."""

# What Windows refuses in a name, besides control characters (Naming Files, Paths, Namespaces).
_FOREIGN = re.compile(r'[<>:"/\\|?*%]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|\Z)", re.IGNORECASE)
_ENDING = re.compile(r"\.(?=(?:eml|mbox)\Z)", re.IGNORECASE)

# What Thunderbird gives a meaning at the end of a file's name, and does not show as a mailbox.
_TIDY = re.compile(
    r"\.(?=(?:sbd|msf|snm|toc|dat|json|jsonl|js|html|log|mozmsgs|default)\Z)|\A#|~\Z",
    re.IGNORECASE,
)


class PathNames:
    """Gives each mailbox its path, and remembers it."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._components: dict[tuple[str, ...], str] = {}
        self._taken: set[tuple[tuple[str, ...], str]] = {((), EXPORT_RECORD)}

    def path(self, name: MailboxName) -> tuple[str, ...]:
        """The path of a mailbox by components; of two alike, the first has the plain name."""
        path: tuple[str, ...] = ()
        for owner, proposal in self._steps(name):
            component = self._components.get(owner)
            if component is None:
                component = self._take(path, owner, proposal)
            path += (component,)
        return path

    def learn(self, name: MailboxName, path: Sequence[str]) -> None:
        """Take over a path that an earlier export gave, unless it is one nobody may give."""
        steps = self._steps(name)
        if len(steps) != len(path) or not all(map(_is_component, path)):
            return
        for depth, (owner, _) in enumerate(steps):
            if self._components.setdefault(owner, path[depth]) == path[depth]:
                self._taken.add((tuple(path[:depth]), _folded(path[depth])))

    def _take(self, parent: tuple[str, ...], owner: tuple[str, ...], proposal: str) -> str:
        component = proposal
        attempt = 0
        while _is_long(component) or (parent, _folded(component)) in self._taken:
            component = _distinct(proposal, owner, attempt)
            attempt += 1
        self._taken.add((parent, _folded(component)))
        self._components[owner] = component
        return component


def nested(name: MailboxName) -> list[tuple[tuple[str, ...], str]]:
    """One folder a level, with names for people: the layout of mbox and eml exports."""
    return [(name.parts[: level + 1], readable(part)) for level, part in enumerate(name.parts)]


def thunderbird(name: MailboxName) -> list[tuple[tuple[str, ...], str]]:
    """As `nested`, with names that Thunderbird takes for mailboxes, and for nothing else."""
    return [(owner, _TIDY.sub(_percent, part)) for owner, part in nested(name)]


def readable(part: str) -> str:
    """Escape one level of a name by ``%`` and two hexadecimal digits an octet."""
    part = _FOREIGN.sub(_percent, part)
    part = "".join(
        character if character.isprintable() else _hex(character) for character in part
    )
    part = _ENDING.sub(_percent, part)  # so that a folder is never taken for a file of ours
    if part.startswith(".") or _DEVICE.match(part):
        part = _hex(part[0]) + part[1:]
    if part.endswith((" ", ".")):
        part = part[:-1] + _hex(part[-1])
    return part or "%-"


def _percent(match: re.Match[str]) -> str:
    return _hex(match[0])


def _hex(character: str) -> str:
    octets = character.encode("utf-8", "surrogatepass")
    return "".join(f"%{octet:02X}" for octet in octets)


def _distinct(proposal: str, owner: tuple[str, ...], attempt: int) -> str:
    """Cut a component that is too long or taken, and add what tells it from all others."""
    identity = repr((owner, attempt)).encode("utf-8", "backslashreplace")
    start = proposal.encode()[: LONGEST - 40].decode("utf-8", "ignore")
    return f"{start}+{hashlib.sha256(identity).hexdigest()[:32]}"


def _is_long(component: str) -> bool:
    return len(component.encode()) > LONGEST


def _folded(component: str) -> str:
    # The two ways in which file systems find names alike: case, and composed characters.
    folded = unicodedata.normalize("NFD", component).casefold()
    return unicodedata.normalize("NFC", folded)


def _is_component(text: str) -> bool:
    return (
        text not in {"", ".", ".."}
        and not re.search("[/\0]", text)
        and len(text.encode("utf-8", "surrogatepass")) <= LONGEST
    )
