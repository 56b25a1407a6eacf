"""Which mailboxes there are, and their state, in as few round trips as the server allows."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mailvault.mail.model import Mailbox, MailboxState
from mailvault.protocols.imap import commands
from mailvault.protocols.imap.commands import StatusAttribute
from mailvault.protocols.imap.types import ListItem, StatusItem, Tagged, Value
from mailvault.transport.imap_refusals import refused
from mailvault.transport.imap_session import Session
from mailvault.transport.imap_values import ListedMailbox

# RFC 6154 2 and RFC 8457; the first one found counts
_SPECIAL_USES = (
    *("\\Sent", "\\Drafts", "\\Trash", "\\Junk", "\\Archive"),
    *("\\All", "\\Flagged", "\\Important"),
)
_UNSELECTABLE = frozenset({"\\noselect", "\\nonexistent"})
# What changes with every delivery, or is said elsewhere, is no attribute of a mailbox.
_PASSING = frozenset({"\\marked", "\\unmarked", "\\subscribed"})
_STATUS_IN_FLIGHT = 32


def list_mailboxes(session: Session) -> list[ListedMailbox]:
    """List all mailboxes with their state."""
    listed = _extended(session) if session.offers("LIST-EXTENDED") else None
    listed = _plain(session) if listed is None else listed
    silent = [
        one for one in listed if one.mailbox.is_selectable and not _is_known(one.mailbox.state)
    ]
    states = _states(session, [one.wire_name for one in silent])
    return [_with_state(one, states) for one in listed]


def status(session: Session, wire_name: bytes) -> MailboxState:
    """Ask for one mailbox. Raises ServerRefused."""
    command = commands.status(wire_name, _status_attributes(session))
    states = _collected_states(session.run(command))
    return states.get(wire_name) or next(iter(states.values()), MailboxState())


def delimiter(session: Session) -> str | None:
    """What stands between the levels of a name; None where there are none."""
    items = list(_items(session.run(commands.list_mailboxes(b""))))
    return items[0].delimiter if items else None


def _extended(session: Session) -> list[ListedMailbox] | None:
    """RFC 5258, 5819, 6154 in one round trip; None if the server will not, after all."""
    values, tagged = session.complete(
        commands.list_extended(
            status=_status_attributes(session) if session.offers("LIST-STATUS") else (),
            subscribed=True,
            special_use=session.offers("SPECIAL-USE"),
        )
    )
    if not tagged.is_ok:
        return None
    states = _collected_states(values)
    listed = [_listed(item, item.has("\\Subscribed")) for item in _items(values)]
    return [_with_state(one, states) for one in listed]


def _plain(session: Session) -> list[ListedMailbox]:
    list_tag = session.send(commands.list_mailboxes())
    lsub_tag = session.send(commands.lsub())
    items = list(_items(_completed(session, list_tag)))
    *values, tagged = session.answers(lsub_tag)
    assert isinstance(tagged, Tagged)
    subscribed = {item.name for item in values if isinstance(item, ListItem) and item.is_lsub}
    return [_listed(item, item.name in subscribed if tagged.is_ok else None) for item in items]


def _completed(session: Session, tag: str) -> list[Value]:
    *values, tagged = session.answers(tag)
    assert isinstance(tagged, Tagged)
    if not tagged.is_ok:
        raise refused(session.endpoint, "LIST", tagged)
    return values


def _items(values: Iterable[Value]) -> Iterator[ListItem]:
    """The LIST responses, each mailbox once."""
    seen = set()
    for value in values:
        if isinstance(value, ListItem) and not value.is_lsub and value.wire_name not in seen:
            seen.add(value.wire_name)
            yield value


def _listed(item: ListItem, is_subscribed: bool | None) -> ListedMailbox:
    lower = {attribute.lower() for attribute in item.attributes}
    mailbox = Mailbox(
        name=item.name,
        special_use=next((use for use in _SPECIAL_USES if use.lower() in lower), None),
        is_subscribed=is_subscribed,
        attributes=frozenset(a for a in item.attributes if a.lower() not in _PASSING),
        is_selectable=lower.isdisjoint(_UNSELECTABLE),
    )
    return ListedMailbox(mailbox, item.wire_name)


def _with_state(one: ListedMailbox, states: dict[bytes, MailboxState]) -> ListedMailbox:
    state = states.get(one.wire_name)
    if state is None:
        return one
    return ListedMailbox(replace(one.mailbox, state=state), one.wire_name)


def _is_known(state: MailboxState) -> bool:
    return state != MailboxState()


def _states(session: Session, wire_names: list[bytes]) -> dict[bytes, MailboxState]:
    """Pipelined STATUS. A mailbox that refuses it stays without a state."""
    attributes = _status_attributes(session)
    states: dict[bytes, MailboxState] = {}
    for start in range(0, len(wire_names), _STATUS_IN_FLIGHT):
        window = wire_names[start : start + _STATUS_IN_FLIGHT]
        tags = [session.send(commands.status(name, attributes)) for name in window]
        for tag in tags:
            states |= _collected_states(session.answers(tag))
    return states


def _collected_states(values: Iterable[Value]) -> dict[bytes, MailboxState]:
    return {value.wire_name: value.state for value in values if isinstance(value, StatusItem)}


def _status_attributes(session: Session) -> tuple[StatusAttribute, ...]:
    asked = [StatusAttribute.MESSAGES, StatusAttribute.UIDNEXT, StatusAttribute.UIDVALIDITY]
    if session.offers("CONDSTORE") or session.offers("QRESYNC"):
        asked.append(StatusAttribute.HIGHESTMODSEQ)
    # Never MAILBOXID (RFC 8474): Cyrus 3.6 to 3.10 answer it here with octets of freed memory,
    # which may be anything, even line ends. EXAMINE tells the right one.
    return tuple(asked)
