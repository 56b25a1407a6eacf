"""The writing side of the IMAP client: it adds mailboxes and messages, and nothing else.

Its connections refuse to send what changes or removes anything; those of the reading side
refuse what adds. So a sync can never write, and a restore can never destroy.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mailvault.mail.model import Flags, Uid, octet_count
from mailvault.protocols.imap import commands, writing
from mailvault.protocols.imap.commands import StatusAttribute
from mailvault.protocols.imap.states import DESTROYING, State
from mailvault.protocols.imap.types import (
    Namespace,
    NamespaceItem,
    Quota,
    ResponseCode,
    StatusItem,
    Tagged,
)
from mailvault.protocols.imap.writing import Appended
from mailvault.transport import imap_listing, imap_selecting
from mailvault.transport.imap import ImapClient
from mailvault.transport.imap_refusals import is_for_now, said
from mailvault.transport.refusals import suggested_wait

IN_FLIGHT = 4 << 20
"""Octets of messages that are sent before the server has answered for the first of them."""

COMMANDS_IN_FLIGHT = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command that adds something ended; ``code`` is the response code's name."""

    is_ok: bool
    code: str = ""
    said: str = ""
    is_for_now: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class AppendAnswer:
    """How one APPEND ended. ``uids`` are those of its messages, where the server tells."""

    answer: Answer
    uidvalidity: int | None = None
    uids: Sequence[Uid] | None = None


class ImapWriter(ImapClient):
    """A client that may add. What it cannot do is said by `ImapClient.forbidden`."""

    forbidden: ClassVar = DESTROYING

    def offers(self, *names: str) -> bool:
        return self._session.offers(*names)

    def personal_namespace(self) -> NamespaceItem | None:
        """Where the user's own mailboxes lie (RFC 2342); None if the server does not say."""
        if not self.offers("NAMESPACE"):
            return None
        values, tagged = self._session.complete(commands.namespace())
        if not tagged.is_ok:
            return None
        found = [
            each for value in values if isinstance(value, Namespace) for each in value.personal
        ]
        return found[0] if found else None

    def delimiter(self) -> str | None:
        """What stands between the levels of a name (RFC 9051 6.3.9: LIST "" "")."""
        return imap_listing.delimiter(self._session)

    def create(self, wire_name: bytes, special_use: str | None = None) -> Answer:
        """Make a mailbox, with a use where the server takes one."""
        use = special_use if self.offers("CREATE-SPECIAL-USE") else None
        _, tagged = self._session.complete(writing.create(wire_name, use))
        if not tagged.is_ok and use is not None:
            _, tagged = self._session.complete(writing.create(wire_name))
        return _answer(tagged)

    def subscribe(self, wire_name: bytes) -> Answer:
        _, tagged = self._session.complete(writing.subscribe(wire_name))
        return _answer(tagged)

    def permanent_flags(self, wire_name: bytes) -> Flags | None:
        """The flags that the mailbox stores; None if that cannot be learnt without a trace.

        EXAMINE does not tell, and SELECT takes ``\\Recent`` from messages: so only where
        no message has it.
        """
        command = commands.status(wire_name, [StatusAttribute.RECENT])
        values, _ = self._session.complete(command)
        recent = [value.recent for value in values if isinstance(value, StatusItem)]
        if recent != [0]:
            return None
        selected = imap_selecting.select(self._session, wire_name)
        imap_selecting.examine(self._session, wire_name, None)  # read-only again
        return selected.permanent_flags

    def append_limit(self, wire_name: bytes) -> int | None:
        """The octets that one message may have (RFC 7889); None if there is no limit."""
        limits = [name for name in self.capabilities if name.startswith("APPENDLIMIT")]
        numbers = [ResponseCode("", name[12:].encode()).number for name in limits]
        if "APPENDLIMIT" in limits:
            command = commands.status(wire_name, [StatusAttribute.APPENDLIMIT])
            values, _ = self._session.complete(command)
            numbers += [v.append_limit for v in values if isinstance(v, StatusItem)]
        return min((number for number in numbers if number is not None), default=None)

    def quota_room(self, wire_name: bytes) -> int | None:
        """The octets that still fit (RFC 9208); None if there is no quota, or no telling."""
        if not any(name.startswith("QUOTA") for name in self.capabilities):
            return None
        values, tagged = self._session.complete(writing.get_quota_root(wire_name))
        if not tagged.is_ok:
            return None
        left = [
            (most - used) * 1024
            for value in values
            if isinstance(value, Quota)
            for name, used, most in value.resources
            if name == "STORAGE"
        ]
        return max(0, min(left)) if left else None

    @property
    def is_selected(self) -> bool:
        return self._session.connection.state is State.SELECTED

    def leave(self) -> None:
        """Leave the mailbox without a trace.

        CLOSE expunges, so without UNSELECT one is asked for that cannot be: a SELECT that
        fails leaves none selected (RFC 9051 6.3.2).
        """
        if self.is_selected:
            leaving = commands.unselect() if self.offers("UNSELECT") else commands.examine(b"")
            self._session.complete(leaving)

    def accept_utf8(self) -> bool:
        """Agree on UTF-8 in headers and names (RFC 6855 3); names are UTF-8 from then on."""
        self.leave()  # ENABLE wants no open mailbox
        _, tagged = self._session.complete(commands.enable("UTF8=ACCEPT"))
        return tagged.is_ok

    def append(
        self, wire_name: bytes, parcels: Iterable[Sequence[Appended]], *, is_utf8: bool = False
    ) -> Iterator[AppendAnswer]:
        """Send parcels without waiting for the answers; yield how each ended, in order.

        A parcel of several messages needs MULTIAPPEND, and is stored as a whole or not.

        Raises:
            ConnectionLost: of what was not yielded yet nobody knows.
        """
        waiting: deque[tuple[str, int, int]] = deque()
        octets = 0
        for parcel in parcels:
            size = sum(octet_count(message.octets) for message in parcel)
            while waiting and (
                octets + size > IN_FLIGHT or len(waiting) >= self._commands_in_flight()
            ):
                octets -= waiting[0][1]
                yield self._finish(*waiting.popleft())
            tag = self._session.send(writing.append(wire_name, parcel, is_utf8=is_utf8))
            waiting.append((tag, size, len(parcel)))
            octets += size
        while waiting:
            yield self._finish(*waiting.popleft())

    def _commands_in_flight(self) -> int:
        """Without LITERAL+ the server is asked each time, so that a second one only waits."""
        return COMMANDS_IN_FLIGHT if self.offers("LITERAL+") else 2

    def _finish(self, tag: str, _size: int, count: int) -> AppendAnswer:
        tagged = self._session.finish(tag)
        found = writing.append_uids(tagged.code, count) if tagged.is_ok else None
        return AppendAnswer(_answer(tagged), *(found or (None, None)))


def _answer(tagged: Tagged) -> Answer:
    return Answer(
        is_ok=tagged.is_ok,
        code=tagged.code.name if tagged.code else "",
        said=said(tagged),
        is_for_now=is_for_now(tagged),
        retry_after=suggested_wait(tagged.text),
    )
