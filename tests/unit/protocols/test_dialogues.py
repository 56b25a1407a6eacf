"""Commands that are talks: AUTHENTICATE, IDLE and COMPRESS."""

import pytest

from mailvault.protocols.imap import commands
from mailvault.protocols.imap.connection import State
from mailvault.protocols.imap.types import (
    Continuation,
    Event,
    Tagged,
)
from tests.unit.protocols.conversation import (
    greeted,
    logged_in,
    receive,
    selected,
)


def test_a_dialogue_of_authenticate_is_in_base64() -> None:
    connection = greeted()
    connection.send(commands.authenticate("CRAM-MD5"))
    assert connection.outgoing() == b"A1 AUTHENTICATE CRAM-MD5\r\n"

    assert receive(connection, b"+ PDE+\r\n") == [Event(Continuation(b"PDE+"), "A1")]
    connection.respond(b"user digest")

    assert connection.outgoing() == b"dXNlciBkaWdlc3Q=\r\n"
    receive(connection, b"A1 OK [CAPABILITY x] in\r\n")
    assert connection.state is State.AUTHENTICATED


def test_a_dialogue_can_be_broken_off() -> None:
    connection = greeted()
    connection.send(commands.authenticate("CRAM-MD5"))
    connection.outgoing()
    receive(connection, b"+ \r\n")

    connection.cancel()

    assert connection.outgoing() == b"*\r\n"


def test_an_answer_is_given_only_when_asked() -> None:
    connection = greeted()
    connection.send(commands.authenticate("CRAM-MD5"))

    with pytest.raises(ValueError, match="does not wait"):
        connection.respond(b"x")
    receive(connection, b"+ \r\n")
    connection.respond(b"x")
    with pytest.raises(ValueError, match="does not wait"):
        connection.respond(b"x")


@pytest.mark.parametrize(
    ("initial", "sent"),
    [(b"\0u\0p", b"A1 AUTHENTICATE PLAIN AHUAcA==\r\n"), (b"", b"A1 AUTHENTICATE PLAIN =\r\n")],
)
def test_an_initial_response_goes_at_once_where_offered(initial: bytes, sent: bytes) -> None:
    connection = greeted(b"IMAP4rev1 SASL-IR")

    connection.send(commands.authenticate("PLAIN", initial))

    assert connection.outgoing() == sent


@pytest.mark.parametrize(
    ("capabilities", "initial"),
    [(b"IMAP4rev1", b"\0u\0p"), (b"SASL-IR", b"x" * 7000)],
    ids=["not offered", "too long for a line"],
)
def test_an_initial_response_waits_where_it_must(capabilities: bytes, initial: bytes) -> None:
    connection = greeted(capabilities)
    connection.send(commands.authenticate("PLAIN", initial))
    assert connection.outgoing() == b"A1 AUTHENTICATE PLAIN\r\n"

    assert receive(connection, b"+ \r\n") == []

    assert len(connection.outgoing()) >= len(initial)


def test_idle_ends_with_done() -> None:
    connection = selected(commands.idle())
    assert [event.tag for event in receive(connection, b"+ idling\r\n")] == ["A3"]
    receive(connection, b"* 5 EXISTS\r\n")

    connection.done()

    assert connection.outgoing() == b"DONE\r\n"
    receive(connection, b"A3 OK\r\n")
    assert connection.in_flight == {}


def test_done_waits_until_idle_has_begun() -> None:
    connection = selected(commands.idle())

    connection.done()
    assert connection.outgoing() == b""
    receive(connection, b"+ idling\r\n")

    assert connection.outgoing() == b"DONE\r\n"


def test_done_without_idle_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="IDLE"):
        selected().done()


def test_octets_behind_the_ok_of_compress_are_left_to_the_caller() -> None:
    connection = logged_in()
    connection.send(commands.compress())
    deflated = b"\x12\x34\r\n* 1 EXISTS\r\n"

    events = receive(connection, b"A2 OK deflating\r\n" + deflated)

    assert [type(event.value) for event in events] == [Tagged]
    assert connection.unread() == deflated
    assert len(receive(connection, b"* 1 EXISTS\r\n")) == 1
