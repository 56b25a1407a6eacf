"""One IMAP connection without a network: commands in, octets out; octets in, events out."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace

from mailvault.errors import ProtocolViolation
from mailvault.mail.model import MailboxName, Octets
from mailvault.protocols.imap.commands import Atom, Command, Name
from mailvault.protocols.imap.encoder import MAX_LINE, Piece, encode
from mailvault.protocols.imap.lexer import ResponseReader
from mailvault.protocols.imap.outbox import Outbox
from mailvault.protocols.imap.parser import ResponseParser
from mailvault.protocols.imap.states import (
    ALLOWED,
    ALONE,
    BEFORE_TLS,
    CONVERSATIONS,
    SELECTING,
    VALUES_BEFORE_LOGIN,
    VALUES_BEFORE_TLS,
    State,
    who_asked,
    who_fetches,
)
from mailvault.protocols.imap.types import (
    Bye,
    Capability,
    Condition,
    Continuation,
    Enabled,
    Event,
    Fetch,
    Greeting,
    Limits,
    ListItem,
    OpenSink,
    ResponseCode,
    Status,
    Tagged,
    Value,
)

__all__ = ["Connection", "State"]

DEFAULT_LIMITS = Limits()


class Connection:
    """A connection's state and what is in flight.

    After each `send`, `respond`, `done` and after each event, write what `outgoing` returns.

    Public attributes (read only): ``state``; ``capabilities`` (upper case; empty when not
    known: after `forget`, and after a login that did not renew them, ask again);
    ``enabled`` (upper case names the server ENABLEd); ``greeting``; ``in_flight`` (tags).
    """

    def __init__(
        self,
        *,
        is_private: bool,
        limits: Limits = DEFAULT_LIMITS,
        open_sink: OpenSink | None = None,
        forbidden: frozenset[Name] = frozenset(),
    ) -> None:
        """``is_private``: TLS is up already. Without it only the greeting, CAPABILITY and
        STARTTLS exist, until `forget` (TLS is up) or `allow_plaintext`.
        ``open_sink`` takes message literals above ``limits.literal``; None keeps them whole.
        ``forbidden`` commands cannot be sent, whoever asks for it.
        """
        self.state = State.GREETING
        self.capabilities: frozenset[str] = frozenset()
        self.enabled: frozenset[str] = frozenset()
        self.greeting: Greeting | None = None
        self.in_flight: dict[str, Command] = {}
        self._is_open = is_private
        self._forbidden = forbidden
        self._limits = limits
        self._reader = ResponseReader(limits, open_sink)
        self._parser = ResponseParser(limits)
        self._outbox = Outbox()
        self._last_tag = 0
        self._untagged = 0  # since the last completion
        self._mailboxes = 0
        self._are_capabilities_renewed = False
        self._is_asked = False  # the server waits for `respond` or `done`
        self._is_paused = False  # what follows is not IMAP as we read it
        self._is_dead = False

    def send(self, command: Command) -> str:
        """Queue a command, pipelined behind those in flight, and return its tag.

        Raises ValueError if the command is not allowed in this state or cannot be encoded.
        """
        self._check_allowed(command.name)
        tag = f"A{self._last_tag + 1}"
        pieces = encode(tag, command, self.capabilities)
        if command.initial is not None:
            pieces = self._with_initial_response(tag, command)
        self._last_tag += 1
        if command.name in (Name.LOGIN, Name.AUTHENTICATE):
            self._are_capabilities_renewed = False
        self.in_flight[tag] = command
        self._outbox.put(tag, pieces)
        return tag

    def outgoing(self) -> bytes:
        """Take the octets that may be written now; the rest waits for the server's ``+``."""
        return b"".join(
            octets if isinstance(octets, bytes) else b"".join(octets.chunks())
            for octets in self.outgoing_pieces()
        )

    def outgoing_pieces(self) -> list[Octets]:
        """As `outgoing`, with messages that lie in files left there."""
        return self._outbox.take()

    def receive(self, octets: bytes) -> Iterator[Event]:
        """Take octets from the server and yield what they complete. Exhaust it.

        A body that nobody asked for is removed from its FETCH.
        Raises ProtocolViolation (then the connection is dead) after the events before it.
        """
        if self._is_dead:
            raise ProtocolViolation("the connection has ended and cannot receive")
        self._reader.feed(octets)
        return self._events()

    def respond(self, octets: bytes) -> None:
        """Answer a Continuation of AUTHENTICATE with raw octets (base64 is done here)."""
        self._take_turn(Name.AUTHENTICATE)
        self._outbox.put("", [Piece(b64encode(octets) + b"\r\n", waits=False)])

    def cancel(self) -> None:
        """Break off AUTHENTICATE; the server answers with a tagged BAD."""
        self._take_turn(Name.AUTHENTICATE)
        self._outbox.put("", [Piece(b"*\r\n", waits=False)])

    def done(self) -> None:
        """End IDLE."""
        tag = next((tag for tag, one in self.in_flight.items() if one.name is Name.IDLE), None)
        if tag is None:
            raise ValueError("IDLE is not in flight")
        if self._is_asked:
            self._is_asked = False
            self._outbox.put(tag, [Piece(b"DONE\r\n", waits=False)])
        else:  # RFC 2177 3: not before the server is ready for it
            self._outbox.put(tag, [Piece(b"DONE\r\n", waits=True)])

    def forget(self) -> None:
        """TLS is about to begin: drop all that is known. Call after the OK of STARTTLS.

        Raises ProtocolViolation if any octet followed that OK (response injection).
        """
        if not self._is_paused:
            raise ValueError("the server has not accepted STARTTLS")
        if self._reader.take_rest():
            self.abort()
            raise ProtocolViolation("the server sent octets between STARTTLS and TLS")
        self.capabilities = self.enabled = frozenset()
        self.greeting = None
        self.state = State.NOT_AUTHENTICATED
        self._outbox.clear()
        self._is_open = True
        self._is_paused = False

    def allow_plaintext(self) -> None:
        """Permit everything without TLS: loopback, or the user insists."""
        self._is_open = True
        self._set_state(self.state)

    def unread(self) -> bytes:
        """Take the raw octets behind the OK of COMPRESS: inflate them and `receive` them.

        `receive` stops at that OK until this is called.
        """
        self._is_paused = False
        return self._reader.take_rest()

    def abort(self) -> None:
        """The connection is gone: throw away what is half received. Idempotent."""
        self._is_dead = True
        self._reader.abort()
        self._outbox.clear()

    def mailbox_name(self, wire_name: bytes, delimiter: str | None) -> MailboxName:
        """Decode a name as this connection's server writes it (UTF-8 once accepted)."""
        return self._parser.mailbox_name(wire_name, delimiter)

    def _check_allowed(self, name: Name) -> None:
        if name in self._forbidden:
            raise ValueError(f"{name} is forbidden on this connection")
        if self._is_dead or self.state not in ALLOWED[name]:
            raise ValueError(f"{name} is not allowed: the connection is {self.state.value}")
        if not self._is_open and name not in BEFORE_TLS:
            raise ValueError(f"{name} is not allowed before TLS")
        names = {command.name for command in self.in_flight.values()}
        blocking = CONVERSATIONS if name is Name.LOGOUT else ALONE
        if (name in ALONE and names) or names & blocking:
            raise ValueError(f"{name} cannot be pipelined behind {', '.join(sorted(names))}")

    def _with_initial_response(self, tag: str, command: Command) -> list[Piece]:
        (whole,) = command.arguments
        assert isinstance(whole, Atom)
        line = f"{tag} {command.name} {whole.text}".encode()
        # RFC 4959 3: an empty response is written as "="
        encoded = b64encode(command.initial or b"") or b"="
        if "SASL-IR" in self.capabilities and len(line) + len(encoded) + 3 <= MAX_LINE:
            return [Piece(line + b" " + encoded + b"\r\n", waits=False)]
        response = b64encode(command.initial or b"") + b"\r\n"
        return [Piece(line + b"\r\n", waits=False), Piece(response, waits=True)]

    def _take_turn(self, name: Name) -> None:
        if not self._is_asked or all(one.name is not name for one in self.in_flight.values()):
            raise ValueError(f"the server does not wait for {name}")
        self._is_asked = False

    def _events(self) -> Iterator[Event]:
        try:
            while not self._is_paused:
                response = self._reader.next()
                if response is None:
                    return
                event = self._event(self._parser.parse(response))
                if event is not None:
                    yield event
        except Exception:  # the sink's too: half a literal makes all that follows meaningless
            self.abort()
            raise

    def _event(self, value: Value) -> Event | None:
        if self.state is State.GREETING:
            return self._greet(value)
        value = self._accepted(value)
        if isinstance(value, Fetch):
            self._count()
            tag = who_fetches(self.in_flight, value)
            return Event(value if tag is not None else _without_octets(value), tag)
        if isinstance(value, Tagged):
            return self._complete(value)
        if isinstance(value, Continuation):
            return self._continue(value)
        self._count()
        tag = who_asked(self.in_flight, value)
        self._observe(value, tag)
        return Event(value, tag)

    def _accepted(self, value: Value) -> Value:
        """Refuse what the state has no room for: it is injected or nonsense."""
        if not self._is_open:
            return _before_tls(value)
        if self.state is State.NOT_AUTHENTICATED and type(value) not in VALUES_BEFORE_LOGIN:
            raise ProtocolViolation(
                f"the server sent {type(value).__name__} before anyone logged in"
            )
        return value

    def _greet(self, value: Value) -> Event:
        """RFC 9051 7.1.4: the greeting is the first response, and the only PREAUTH."""
        if isinstance(value, Bye):
            value = Status(Condition.BYE, value.code, value.text)
        if not isinstance(value, Status) or value.condition in (Condition.NO, Condition.BAD):
            raise ProtocolViolation("the server did not begin with a greeting")
        states = {
            Condition.OK: State.NOT_AUTHENTICATED,
            Condition.PREAUTH: State.AUTHENTICATED,
            Condition.BYE: State.LOGOUT,
        }
        self._set_state(states[value.condition])
        self._learn_capabilities(value.code)
        is_open = self._is_open
        code, text = (value.code, value.text) if is_open else (None, "")
        self.greeting = Greeting(value.condition, code, text)
        return Event(self.greeting, None)

    def _complete(self, tagged: Tagged) -> Event:
        command = self.in_flight.pop(tagged.tag, None)
        if command is None:
            raise ProtocolViolation(
                f"the server completed {tagged.tag}, which is not in flight"
            )
        self._outbox.drop(tagged.tag)
        self._untagged = 0
        self._is_asked = False
        if command.name in (Name.LIST, Name.LSUB):
            self._mailboxes = 0
        self._learn_capabilities(tagged.code)
        self._change_state(command.name, is_ok=tagged.is_ok)
        return Event(tagged, tagged.tag)

    def _change_state(self, name: Name, *, is_ok: bool) -> None:
        if name in SELECTING:
            # RFC 9051 6.3.2: a SELECT that fails leaves no mailbox selected
            self._set_state(State.SELECTED if is_ok else State.AUTHENTICATED)
        elif not is_ok:
            return
        elif name in (Name.LOGIN, Name.AUTHENTICATE):
            self._set_state(State.AUTHENTICATED)
            if not self._are_capabilities_renewed:
                self.capabilities = frozenset()
        elif name in (Name.CLOSE, Name.UNSELECT):
            self._set_state(State.AUTHENTICATED)
        elif name is Name.LOGOUT:
            self._set_state(State.LOGOUT)
        elif name in (Name.STARTTLS, Name.COMPRESS):
            self._is_paused = True

    def _set_state(self, state: State) -> None:
        self.state = state
        is_logged_in = state in (State.AUTHENTICATED, State.SELECTED)
        self._reader.accepts_literals = is_logged_in and self._is_open

    def _continue(self, value: Continuation) -> Event | None:
        if self._outbox.release():
            return None
        tag, command = next(iter(self.in_flight.items()), (None, None))
        if command is None or command.name not in (Name.AUTHENTICATE, Name.IDLE):
            raise ProtocolViolation("the server asked for more when nothing was left to send")
        self._is_asked = True
        return Event(value, tag)

    def _count(self) -> None:
        self._untagged += 1
        if self._untagged > self._limits.untagged_in_command:
            raise ProtocolViolation(
                f"the server sent more than {self._limits.untagged_in_command} responses"
                " to one command"
            )

    def _count_mailbox(self) -> None:
        self._mailboxes += 1
        if self._mailboxes > self._limits.mailboxes:
            raise ProtocolViolation(
                f"the server listed more than {self._limits.mailboxes} mailboxes"
            )

    def _observe(self, value: Value, tag: str | None) -> None:
        if isinstance(value, ListItem):
            self._count_mailbox()
        elif isinstance(value, Capability):
            self._set_capabilities(value.names)
        elif isinstance(value, Status):
            if value.condition is Condition.PREAUTH:
                raise ProtocolViolation("the server greeted twice")
            self._learn_capabilities(value.code)
        elif isinstance(value, Bye):
            self._set_state(State.LOGOUT)
        elif isinstance(value, Enabled) and tag is not None:
            self.enabled |= value.names
            # RFC 6855 3, RFC 9051 6.3.1: from now on names are UTF-8
            is_utf8 = not self.enabled.isdisjoint({"UTF8=ACCEPT", "IMAP4REV2"})
            self._parser.utf8_names = is_utf8

    def _learn_capabilities(self, code: ResponseCode | None) -> None:
        if code is not None and code.name == "CAPABILITY":
            self._set_capabilities(frozenset(code.arguments.decode("latin-1").upper().split()))

    def _set_capabilities(self, names: frozenset[str]) -> None:
        self.capabilities = names
        self._are_capabilities_renewed = True


def _before_tls(value: Value) -> Value:
    """Let through what TLS needs, and none of the words: anyone could have written them."""
    if type(value) not in VALUES_BEFORE_TLS:
        raise ProtocolViolation(f"the server sent {type(value).__name__} before TLS")
    if isinstance(value, Bye):
        return Bye(None, "")
    if isinstance(value, Tagged):
        return replace(value, code=None, text="")
    return value


def _without_octets(value: Fetch) -> Fetch:
    """Nobody asked for this message, so nobody would remove its file."""
    is_empty = True
    for octets in value.octets():
        is_empty = False
        if not isinstance(octets, bytes):
            octets.discard()
    return value if is_empty else value._replace(body=None, sections=())
