"""Finding or making a place for each mailbox on an IMAP target; different ones stay apart."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from mailvault.destinations.imap_names import (
    Naming,
    likeness,
    spellings,
    use_of,
    without_provider,
)
from mailvault.mail.delivery import TargetMailbox, WantedMailbox
from mailvault.mail.model import INBOX, MailboxName
from mailvault.protocols.imap import utf7
from mailvault.transport.imap_append import ImapWriter
from mailvault.transport.imap_values import ListedMailbox

log = logging.getLogger(__name__)

LONGEST = 1000
"""Octets of a name on the wire; servers take 255 for each level, and lines of 8,192."""


class Places:
    """The mailboxes of a target, and which of them are spoken for.

    A path is a wire name, octet for octet, as text.
    """

    def __init__(self, client: ImapWriter, *, making: bool) -> None:
        self._client = client
        self._making = making
        self._naming = naming_of(client)
        self._listed = {path_of(each): each for each in client.list_mailboxes()}
        self._owners: dict[str, WantedMailbox] = {}
        self._made: dict[str, WantedMailbox] = {}

    def assign(self, wanted: Sequence[WantedMailbox]) -> list[TargetMailbox]:
        """Give each its place, in the order of ``wanted``.

        Those go first that are there already: nobody else may have what is theirs.
        """
        found: dict[WantedMailbox, TargetMailbox] = {}
        for way, rank in (
            (self._remembered, _as_given),
            (self._by_name, _as_given),
            (self._by_use, _is_only_implied),
            (self._new, _loses_its_provider),
        ):
            for each in sorted(wanted, key=rank):
                if each not in found and (place := way(each)) is not None:
                    found[each] = place
        if self._made:
            found = self._looked_at(found)
        if self._making:
            for each in wanted:
                self._subscribe(each, found[each])
        return [found[each] for each in wanted]

    def _remembered(self, wanted: WantedMailbox) -> TargetMailbox | None:
        path = wanted.remembered
        return None if path is None else self._taken(wanted, path)

    def _by_name(self, wanted: WantedMailbox) -> TargetMailbox | None:
        if wanted.name == INBOX:
            return self._taken(wanted, INBOX.parts[0])
        first = next(spellings(wanted.name, self._naming_for(wanted)))
        return self._taken(wanted, path_text(first))

    def _by_use(self, wanted: WantedMailbox) -> TargetMailbox | None:
        """A mailbox of another name, but for the same use."""
        use = (
            None
            if wanted.is_exact or wanted.is_chosen
            else use_of(wanted.name, wanted.special_use)
        )
        if use is None:
            return None
        alike = [path for path, each in self._listed.items() if _use(each) == use]
        for path in sorted(
            alike, key=lambda path: self._listed[path].mailbox.special_use is None
        ):
            if place := self._taken(wanted, path):
                return replace(
                    place, note=f"{wanted.name} goes to {place.name}: both are {use[1:]}"
                )
        return None

    def _taken(self, wanted: WantedMailbox, path: str) -> TargetMailbox | None:
        """A mailbox that is there, unless somebody has it or nobody can."""
        listed = self._listed.get(path)
        if listed is None or path in self._owners or not listed.mailbox.is_selectable:
            return None
        self._owners[path] = wanted
        name = self._name(path)
        return TargetMailbox(
            name, path, self._note(wanted, name, "an earlier restore chose it")
        )

    def _new(self, wanted: WantedMailbox) -> TargetMailbox:
        naming = self._naming_for(wanted)
        name = (
            wanted.name
            if wanted.is_exact
            else without_provider(wanted.name, wanted.special_use)
        )
        said = "there is no name for it"
        for text in spellings(name, naming):
            path = path_text(text)
            if len(path) > LONGEST:
                said = "the name is too long"
                continue
            if path in self._owners:
                said = f"{text} is another mailbox's"
                continue
            if path in self._listed and (place := self._taken(wanted, path)):
                return replace(place, note=self._note(wanted, place.name, said))
            refusal = self._make(path, wanted)
            if refusal is None:
                self._owners[path] = wanted
                name = self._name(path)
                return TargetMailbox(name, path, self._note(wanted, name, said), is_new=True)
            log.info("%s was not made: %s", text, refusal)
            said = refusal
        return TargetMailbox(wanted.name, None, said)

    def _make(self, path: str, wanted: WantedMailbox) -> str | None:
        """Make a mailbox, or say why not. A name that leads to others becomes a mailbox."""
        if not self._making:
            return None
        answer = self._client.create(wire(path), wanted.special_use)
        if answer.is_ok:
            self._made[path] = wanted
            return None
        return answer.said

    def _looked_at(
        self, found: dict[WantedMailbox, TargetMailbox]
    ) -> dict[WantedMailbox, TargetMailbox]:
        """Look whether what was made is what was meant: servers fold case and Unicode."""
        before = set(self._listed)
        self._listed = {path_of(each): each for each in self._client.list_mailboxes()}
        lost = {path: wanted for path, wanted in self._made.items() if path not in self._listed}
        self._made = {}
        for path, wanted in lost.items():
            found[wanted] = self._respelled(wanted, path, before) or found[wanted]
        return found

    def _respelled(
        self, wanted: WantedMailbox, path: str, before: set[str]
    ) -> TargetMailbox | None:
        """The place that the server made of a name, or another name if that one is taken."""
        alike = [p for p in self._listed if likeness(_text(p)) == likeness(_text(path))]
        for other in alike:
            if other not in self._owners and other not in before:
                del self._owners[path]
                self._owners[other] = wanted
                name = self._name(other)
                return TargetMailbox(
                    name,
                    other,
                    self._note(wanted, name, "the server spells it so"),
                    is_new=True,
                )
        if not alike:
            return None  # made, but listed later
        return self._looked_at({wanted: self._new(wanted)})[wanted]

    def _subscribe(self, wanted: WantedMailbox, place: TargetMailbox) -> None:
        if place.path is None:
            return
        listed = self._listed.get(place.path)
        is_subscribed = listed.mailbox.is_subscribed if listed else None
        wishes = wanted.is_subscribed or (wanted.is_subscribed is None and place.is_new)
        if wishes and not is_subscribed and (is_subscribed is False or place.is_new):
            answer = self._client.subscribe(wire(place.path))
            if not answer.is_ok:
                log.info("%s was not subscribed: %s", place.name, answer.said)

    def _naming_for(self, wanted: WantedMailbox) -> Naming:
        return replace(self._naming, prefix=()) if wanted.is_exact else self._naming

    def _name(self, path: str) -> MailboxName:
        listed = self._listed.get(path)
        if listed is not None:
            return listed.mailbox.name
        return MailboxName.parse(_text(path), self._naming.delimiter)

    def _note(self, wanted: WantedMailbox, name: MailboxName, reason: str) -> str | None:
        """Say where a mailbox went, unless everybody expects it."""
        naming = self._naming_for(wanted)
        if naming.text(name.parts) == naming.text(wanted.name.parts):
            return None
        return f"{wanted.name} goes to {name}: {reason}"


def naming_of(client: ImapWriter) -> Naming:
    """Where the user's own mailboxes lie, and what stands between levels."""
    personal = client.personal_namespace()
    delimiter = personal.delimiter if personal else client.delimiter()
    prefix = utf7.decode(personal.prefix) if personal else ""
    levels = prefix.split(delimiter) if delimiter else [prefix]
    return Naming(delimiter, tuple(level for level in levels if level))


def path_of(listed: ListedMailbox) -> str:
    if listed.mailbox.name == INBOX:
        return INBOX.parts[0]
    return listed.wire_name.decode("latin-1")


def path_text(text: str) -> str:
    return text if text == INBOX.parts[0] else utf7.encode(text).decode("ascii")


def wire(path: str) -> bytes:
    return path.encode("latin-1")


def _text(path: str) -> str:
    return utf7.decode(wire(path))


def _use(listed: ListedMailbox) -> str | None:
    return use_of(listed.mailbox.name, listed.mailbox.special_use)


def _as_given(_wanted: WantedMailbox) -> bool:
    return False


def _is_only_implied(wanted: WantedMailbox) -> bool:
    return wanted.special_use is None


def _loses_its_provider(wanted: WantedMailbox) -> bool:
    return without_provider(wanted.name, wanted.special_use) != wanted.name
