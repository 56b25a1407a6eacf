"""Before TLS anyone on the way may speak, so nothing they say counts (NO STARTTLS, 2021)."""

import pytest

from mailvault.errors import ProtocolViolation
from mailvault.protocols.imap import commands
from mailvault.protocols.imap.commands import Command
from mailvault.protocols.imap.connection import Connection, State
from mailvault.protocols.imap.types import Bye, Capability, Greeting, Tagged
from tests.unit.protocols.conversation import feed

INJECTIONS = [
    b'* LIST () "/" "../../INJECTED"\r\n',
    b'* LSUB () "/" INJECTED\r\n',
    b"* STATUS INBOX (MESSAGES 0)\r\n",
    b"* 1 FETCH (UID 1 BODY[] {8}\r\nINJECTED)\r\n",
    b"* 1 FETCH (UID 1 FLAGS (\\Deleted))\r\n",
    b"* 0 EXISTS\r\n",
    b"* 1 EXPUNGE\r\n",
    b"* VANISHED 1:*\r\n",
    b"* VANISHED (EARLIER) 1:5\r\n",
    b"* SEARCH\r\n",
    b"* FLAGS ()\r\n",
    b'* ID ("name" "INJECTED")\r\n',
    b"* ENABLED QRESYNC\r\n",
    b'* NAMESPACE (("INJECTED" "/")) NIL NIL\r\n',
    b"* OK [ALERT] INJECTED\r\n",
    b"* NO INJECTED\r\n",
    b"* PREAUTH INJECTED\r\n",
    b"* XINJECTED\r\n",
    b"+ INJECTED\r\n",
    b"* LIST () NIL {8}\r\nINJECTED\r\n",
    b"A2 OK INJECTED\r\n",
    b"INJECTED\r\n",
]


def plain() -> Connection:
    connection = Connection(is_private=False)
    list(connection.receive(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] INJECTED\r\n"))
    return connection


def starting_tls() -> Connection:
    connection = plain()
    connection.send(commands.starttls())
    connection.outgoing()
    return connection


@pytest.mark.parametrize("injection", INJECTIONS)
def test_what_is_injected_before_the_ok_ends_the_connection(injection: bytes) -> None:
    events, survived = feed(starting_tls(), [injection])

    assert (events, survived) == ([], False)


@pytest.mark.parametrize("injection", [*INJECTIONS, b"x", b"\r\n", b"\x16\x03\x01", b"* "])
def test_what_is_injected_behind_the_ok_ends_the_connection(injection: bytes) -> None:
    connection = starting_tls()

    events, survived = feed(connection, [b"A1 OK go\r\n" + injection])

    assert survived
    assert [type(event.value) for event in events] == [Tagged]
    with pytest.raises(ProtocolViolation, match="between STARTTLS and TLS"):
        connection.forget()


@pytest.mark.parametrize("injection", INJECTIONS)
def test_what_is_injected_late_behind_the_ok_ends_the_connection(injection: bytes) -> None:
    connection = starting_tls()

    events, _ = feed(connection, [b"A1 OK go\r\n", injection])

    assert len(events) == 1
    with pytest.raises(ProtocolViolation, match="between STARTTLS and TLS"):
        connection.forget()


def test_nothing_known_before_tls_survives_it() -> None:
    connection = starting_tls()
    feed(connection, [b"* CAPABILITY LOGINDISABLED XEVIL\r\nA1 OK [CAPABILITY XEVIL] go\r\n"])

    connection.forget()

    assert connection.capabilities == frozenset()
    assert connection.greeting is None
    assert connection.state is State.NOT_AUTHENTICATED
    connection.send(commands.capability())
    assert connection.outgoing() == b"A2 CAPABILITY\r\n"
    assert feed(connection, [b"* CAPABILITY IMAP4rev1\r\nA2 OK\r\n"])[1]
    assert connection.capabilities == {"IMAP4REV1"}


def test_the_words_of_a_stranger_are_not_repeated() -> None:
    connection = starting_tls()

    events, _ = feed(connection, [b"* BYE [ALERT] INJECTED\r\nA1 NO [ALERT] INJECTED\r\n"])

    assert events[0].value == Bye(None, "")
    assert "INJECTED" not in repr(events) + repr(connection.greeting)


def test_the_greeting_and_the_capabilities_are_told() -> None:
    connection = Connection(is_private=False)
    events, _ = feed(connection, [b"* OK hello\r\n"])
    connection.send(commands.capability())

    events += feed(connection, [b"* CAPABILITY STARTTLS\r\nA1 OK\r\n"])[0]

    assert [type(event.value) for event in events] == [Greeting, Capability, Tagged]


@pytest.mark.parametrize(
    "command",
    [
        commands.login("u", "secret"),
        commands.authenticate("PLAIN", b"secret"),
        commands.identify([("name", "x")]),
        commands.noop(),
    ],
)
def test_nothing_of_ours_is_sent_before_tls(command: Command) -> None:
    connection = plain()

    with pytest.raises(ValueError, match="before TLS"):
        connection.send(command)

    assert connection.outgoing() == b""


def test_a_preauth_before_tls_opens_nothing() -> None:
    connection = Connection(is_private=False)
    feed(connection, [b"* PREAUTH INJECTED\r\n"])

    for command in (commands.list_mailboxes(), commands.starttls(), commands.noop()):
        with pytest.raises(ValueError, match="not allowed"):
            connection.send(command)


def test_nothing_is_forgotten_before_the_ok_of_starttls() -> None:
    with pytest.raises(ValueError, match="STARTTLS"):
        plain().forget()


def test_plain_text_is_allowed_only_when_said() -> None:
    connection = plain()

    connection.allow_plaintext()

    connection.send(commands.login("u", "p"))
    assert feed(connection, [b"A1 OK\r\n* LIST () NIL {1}\r\nx\r\n"])[1]
