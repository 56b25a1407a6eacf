"""The tables of the protocol: which command in which state, and which response answers which.

RFC 9051 3 and 6 for the states, 5.5 for pipelining. Pure: the moving parts are in `connection`.
"""

from collections.abc import Mapping
from enum import Enum

from mailvault.protocols.imap.commands import Command, FetchItem, Name
from mailvault.protocols.imap.types import (
    Bye,
    Capability,
    Continuation,
    Enabled,
    ESearch,
    Exists,
    Fetch,
    Id,
    ListItem,
    MailboxFlags,
    Namespace,
    Quota,
    Recent,
    Search,
    Status,
    StatusItem,
    Tagged,
    Unknown,
    Value,
    Vanished,
)


class State(Enum):
    """RFC 9051 3."""

    GREETING = "waiting for the greeting"
    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


_ALIVE = frozenset({State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED})
_BEFORE_LOGIN = frozenset({State.NOT_AUTHENTICATED})
_LOGGED_IN = frozenset({State.AUTHENTICATED, State.SELECTED})
_SELECTED = frozenset({State.SELECTED})

ALLOWED: Mapping[Name, frozenset[State]] = {
    Name.CAPABILITY: _ALIVE,
    Name.NOOP: _ALIVE,
    Name.LOGOUT: _ALIVE,
    Name.ID: _ALIVE,
    Name.STARTTLS: _BEFORE_LOGIN,
    Name.LOGIN: _BEFORE_LOGIN,
    Name.AUTHENTICATE: _BEFORE_LOGIN,
    Name.ENABLE: frozenset({State.AUTHENTICATED}),  # RFC 5161 3.1
    Name.COMPRESS: _LOGGED_IN,
    Name.NAMESPACE: _LOGGED_IN,
    Name.LIST: _LOGGED_IN,
    Name.LSUB: _LOGGED_IN,
    Name.STATUS: _LOGGED_IN,
    Name.SELECT: _LOGGED_IN,
    Name.EXAMINE: _LOGGED_IN,
    Name.IDLE: _LOGGED_IN,
    Name.CLOSE: _SELECTED,
    Name.UNSELECT: _SELECTED,
    Name.UID_SEARCH: _SELECTED,
    Name.UID_FETCH: _SELECTED,
    Name.UID_STORE: _SELECTED,
    Name.UID_EXPUNGE: _SELECTED,
    Name.CREATE: _LOGGED_IN,
    Name.SUBSCRIBE: _LOGGED_IN,
    Name.APPEND: _LOGGED_IN,
    Name.GETQUOTAROOT: _LOGGED_IN,
}

BEFORE_TLS = frozenset({Name.CAPABILITY, Name.STARTTLS, Name.LOGOUT})
"""All that is said without TLS where TLS is required."""

CONVERSATIONS = frozenset({Name.STARTTLS, Name.AUTHENTICATE, Name.COMPRESS, Name.IDLE})
"""While one of these lasts, nothing else can be sent: what follows is not a command line."""

WRITING = frozenset({Name.CREATE, Name.SUBSCRIBE, Name.APPEND})
"""Commands that add to what the server keeps."""

DESTROYING = frozenset({Name.UID_STORE, Name.UID_EXPUNGE, Name.CLOSE})
"""Commands that change or remove it; CLOSE expunges."""

SELECTING = frozenset({Name.SELECT, Name.EXAMINE})

ALONE = CONVERSATIONS | SELECTING | {Name.LOGIN, Name.CLOSE, Name.UNSELECT, Name.ENABLE}
"""Never pipelined: they change what other commands and their answers mean."""

VALUES_BEFORE_TLS = frozenset({Tagged, Capability, Bye})
VALUES_BEFORE_LOGIN = VALUES_BEFORE_TLS | {Continuation, Status, Id, Unknown}


def _status(command: Command, value: StatusItem) -> bool:
    if command.mailbox is None or command.name is not Name.STATUS:
        return command.returns_status
    wanted, found = command.mailbox, value.wire_name
    return wanted == found or wanted.upper() == found.upper() == b"INBOX"


_ANSWERED_BY: Mapping[type[Value], frozenset[Name]] = {
    Search: frozenset({Name.UID_SEARCH}),
    ESearch: frozenset({Name.UID_SEARCH}),
    Exists: SELECTING,
    Recent: SELECTING,
    MailboxFlags: SELECTING,
    Status: SELECTING,
    Capability: frozenset({Name.CAPABILITY}),
    Enabled: frozenset({Name.ENABLE}),
    Id: frozenset({Name.ID}),
    Namespace: frozenset({Name.NAMESPACE}),
    Quota: frozenset({Name.GETQUOTAROOT}),
    Bye: frozenset({Name.LOGOUT}),
}


def _answers(command: Command, value: Value) -> bool:
    if isinstance(value, StatusItem):
        return _status(command, value)
    if isinstance(value, ListItem):
        return command.name is (Name.LSUB if value.is_lsub else Name.LIST)
    if isinstance(value, Vanished):
        return value.is_earlier and command.name in {*SELECTING, Name.UID_FETCH}
    return command.name in _ANSWERED_BY.get(type(value), ())


def who_asked(in_flight: Mapping[str, Command], value: Value) -> str | None:
    """Return the tag of the oldest command that ``value`` answers, or None: unasked for."""
    if isinstance(value, ESearch) and value.tag is not None:
        return value.tag if value.tag in in_flight else None
    for tag, command in in_flight.items():
        if _answers(command, value):
            return tag
    if isinstance(value, StatusItem):  # the server may spell the name in another way
        for tag, command in in_flight.items():
            return tag if command.name is Name.STATUS else None
    return None


def who_fetches(in_flight: Mapping[str, Command], value: Fetch) -> str | None:
    """Return the tag of the oldest command that wants ``value``, or None: unasked for.

    A body is taken only for the message, and in the command, that it was asked for.
    """
    uid = value.uid
    for tag, command in in_flight.items():
        uids = command.uids
        if uids is not None and uid in uids:
            if command.name is Name.UID_FETCH and _is_asked_for(command, value):
                return tag
        elif command.name in SELECTING and not any(True for _ in value.octets()):
            return tag  # RFC 7162 3.2.5: QRESYNC sends changed flags
    return None


def _is_asked_for(command: Command, value: Fetch) -> bool:
    if value.body is not None and FetchItem.BODY not in command.items:
        return False
    return not value.sections or FetchItem.MESSAGE_ID in command.items
