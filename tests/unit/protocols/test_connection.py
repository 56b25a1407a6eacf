"""Who may say what when, and in which order."""

import pytest

from mailvault.protocols.imap import commands
from mailvault.protocols.imap.commands import Command, StatusAttribute
from mailvault.protocols.imap.connection import Connection, State
from mailvault.protocols.imap.types import (
    Bye,
    Condition,
    Event,
    Greeting,
)
from tests.unit.protocols.conversation import (
    FETCH_ALL,
    LIST,
    NOOP,
    feed,
    greeted,
    logged_in,
    receive,
    selected,
)

# The states


def test_a_greeting_is_kept_with_its_capabilities() -> None:
    connection = greeted(b"IMAP4rev1 idle")

    assert connection.state is State.NOT_AUTHENTICATED
    assert connection.greeting is not None
    assert connection.greeting.text == "ready"
    assert connection.capabilities == {"IMAP4REV1", "IDLE"}


def test_a_preauth_greeting_is_reported_and_means_logged_in() -> None:
    connection = Connection(is_private=True)

    events = receive(connection, b"* PREAUTH welcome back\r\n")

    assert events == [Event(Greeting(Condition.PREAUTH, None, "welcome back"), None)]
    assert connection.state is State.AUTHENTICATED


def test_a_greeting_may_be_a_goodbye() -> None:
    connection = Connection(is_private=True)

    events = receive(connection, b"* BYE [UNAVAILABLE] too many connections\r\n")

    assert isinstance(events[0].value, Greeting)
    assert events[0].value.condition is Condition.BYE
    assert connection.state is State.LOGOUT


@pytest.mark.parametrize(
    "octets",
    [
        b"* NO\r\n",
        b"* 1 EXISTS\r\n",
        b"A1 OK\r\n",
        b"+ \r\n",
        b"\r\n",
        b"+OK POP3\r\n",
        b"220\r\n",
    ],
)
def test_what_is_no_greeting_is_a_violation(octets: bytes) -> None:
    assert not feed(Connection(is_private=True), [octets])[1]


def test_a_second_preauth_is_a_violation() -> None:
    assert not feed(logged_in(), [b"* PREAUTH\r\n"])[1]


@pytest.mark.parametrize(
    "octets", [b'* LIST () "/" x\r\n', b"* 1 EXISTS\r\n", b"* 1 FETCH (UID 1)\r\n"]
)
def test_mail_before_login_is_a_violation(octets: bytes) -> None:
    assert not feed(greeted(), [octets])[1]


@pytest.mark.parametrize(
    ("command", "connection"),
    [
        (commands.login("u", "p"), logged_in()),
        (commands.starttls(), logged_in()),
        (LIST, greeted()),
        (FETCH_ALL, logged_in()),
        (commands.enable("QRESYNC"), selected()),
        (NOOP, Connection(is_private=True)),
    ],
)
def test_a_command_out_of_place_is_not_sent(command: Command, connection: Connection) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        connection.send(command)

    assert connection.outgoing() == b""
    assert connection.in_flight == {}


def test_a_login_that_fails_changes_no_state() -> None:
    connection = greeted()
    connection.send(commands.login("u", "p"))

    receive(connection, b"A1 NO [AUTHENTICATIONFAILED] wrong\r\n")

    assert connection.state is State.NOT_AUTHENTICATED


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (b"A1 OK in\r\n", set()),
        (b"A1 OK [CAPABILITY QRESYNC] in\r\n", {"QRESYNC"}),
        (b"* CAPABILITY ESEARCH\r\nA1 OK in\r\n", {"ESEARCH"}),
    ],
)
def test_capabilities_from_before_the_login_are_not_kept(
    answer: bytes, known: set[str]
) -> None:
    connection = greeted()
    connection.send(commands.login("u", "p"))

    receive(connection, answer)

    assert connection.capabilities == known
    assert connection.state is State.AUTHENTICATED


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b"OK", State.SELECTED),
        (b"NO", State.AUTHENTICATED),
        (b"BAD", State.AUTHENTICATED),
    ],
)
def test_examine_decides_what_is_selected(answer: bytes, state: State) -> None:
    connection = selected()
    connection.send(commands.examine(b"other"))

    receive(connection, b"A3 " + answer + b"\r\n")

    assert connection.state is state


def test_unselect_goes_back() -> None:
    connection = selected(commands.unselect())

    receive(connection, b"A3 OK\r\n")

    assert connection.state is State.AUTHENTICATED


def test_logout_ends_with_a_goodbye() -> None:
    connection = selected(commands.logout())

    events = receive(connection, b"* BYE bye\r\nA3 OK\r\n")

    assert [event.tag for event in events] == ["A3", "A3"]
    assert connection.state is State.LOGOUT


def test_a_goodbye_that_nobody_asked_for_is_told() -> None:
    connection = selected(FETCH_ALL)

    events = receive(connection, b"* BYE idle for too long\r\n")

    assert events == [Event(Bye(None, "idle for too long"), None)]
    assert connection.state is State.LOGOUT


# Pipelining


def test_commands_are_pipelined_with_tags_of_their_own() -> None:
    connection = selected()

    tags = [connection.send(FETCH_ALL), connection.send(NOOP)]

    assert tags == ["A3", "A4"]
    assert connection.outgoing().endswith(b"\r\nA4 NOOP\r\n")
    assert connection.outgoing() == b""
    assert list(connection.in_flight) == tags


def test_completions_may_come_in_any_order() -> None:
    connection = selected(FETCH_ALL, NOOP)

    receive(connection, b"A4 OK\r\nA3 OK\r\n")

    assert connection.in_flight == {}


@pytest.mark.parametrize("tag", [b"A9", b"A2", b"x"])
def test_a_completion_of_nothing_in_flight_is_a_violation(tag: bytes) -> None:
    assert not feed(selected(NOOP), [tag + b" OK\r\n"])[1]


def test_a_command_is_completed_once() -> None:
    assert not feed(selected(NOOP), [b"A3 OK\r\nA3 OK\r\n"])[1]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (FETCH_ALL, commands.examine(b"x")),
        (commands.examine(b"x"), FETCH_ALL),
        (commands.idle(), NOOP),
        (commands.idle(), commands.logout()),
        (commands.compress(), NOOP),
    ],
)
def test_what_changes_the_meaning_of_others_goes_alone(first: Command, second: Command) -> None:
    connection = selected(first)

    with pytest.raises(ValueError, match="cannot be pipelined"):
        connection.send(second)


def test_a_logout_may_follow_anything_that_is_a_command() -> None:
    connection = selected(commands.examine(b"x"))

    connection.send(commands.logout())

    assert connection.outgoing() == b"A4 LOGOUT\r\n"


# Literals of ours


def test_a_literal_waits_for_its_turn_and_holds_up_what_follows() -> None:
    connection = greeted()
    connection.send(commands.login("ü", "ß"))
    assert connection.outgoing() == b"A1 LOGIN {2}\r\n"

    assert receive(connection, b"+ go on\r\n") == []
    assert connection.outgoing() == "ü {2}\r\n".encode()
    assert receive(connection, b"+\r\n") == []
    assert connection.outgoing() == "ß\r\n".encode()


def test_commands_behind_a_literal_wait_with_it() -> None:
    connection = greeted()
    connection.send(commands.login("u", "p"))
    receive(connection, b"A1 OK\r\n")
    connection.outgoing()
    connection.send(commands.status(b"\xff", [StatusAttribute.MESSAGES]))
    connection.send(NOOP)
    assert connection.outgoing() == b"A2 STATUS {1}\r\n"

    receive(connection, b"+ \r\n")

    assert connection.outgoing() == b"\xff (MESSAGES)\r\nA3 NOOP\r\n"


def test_a_literal_that_is_refused_is_not_sent() -> None:
    connection = greeted()
    connection.send(commands.login("u", "p"))
    receive(connection, b"A1 OK\r\n")
    connection.outgoing()
    connection.send(commands.status(b"\xff", [StatusAttribute.MESSAGES]))
    connection.send(NOOP)
    connection.outgoing()

    receive(connection, b"A2 BAD no literals here\r\n")

    assert connection.outgoing() == b"A3 NOOP\r\n"


def test_a_plus_for_nothing_is_a_violation() -> None:
    assert not feed(selected(NOOP), [b"+ more\r\n"])[1]
