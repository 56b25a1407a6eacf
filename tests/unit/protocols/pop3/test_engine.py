"""The POP3 engine, fed whole, octet by octet, and cut anywhere."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.errors import ProtocolViolation
from mailvault.protocols.pop3 import commands
from mailvault.protocols.pop3.connection import Connection
from mailvault.protocols.pop3.types import Challenge, Event, Greeting, Limits, Response

GREETING = b"+OK ready\r\n"

MESSAGES = {
    "ordinary": b"Subject: x\r\n\r\nbody\r\n",
    "empty": b"",
    "one dot": b".\r\n",
    "dots": b"..\r\n.\r\n...\r\n.a\r\n",
    "bare LF around a dot": b"a\n.\nb\r\n",
    "bare LF dot CRLF": b"a\n.\r\nb\r\n",
    "dot and bare CR": b"a\r\n.\rb\r\n",
    "bare CRs": b"a\rb\r\r\r\n",
    "NUL": b"a\0b\r\n\0\r\n",
    "8-bit": bytes(range(256)) + b"\r\n",
    "a line of 3,000": b"x" * 3_000 + b"\r\n",
    "a line of a million": b"." + b"y" * 1_000_000 + b"\r\n",
    "blank lines": b"\r\n\r\n\r\n",
    "looks like a reply": b"+OK\r\n-ERR\r\n",
}


def stuffed(message: bytes) -> bytes:
    """As RFC 1939 3 sends it; a last line without an end gets one."""
    if message and not message.endswith(b"\r\n"):
        message += b"\r\n"
    return (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def new_connection(limits: Limits | None = None) -> Connection:
    connection = Connection(is_private=True, limits=limits)
    assert [type(e) for e in connection.receive(GREETING)] == [Greeting]
    return connection


def feed(connection: Connection, pieces: Iterator[bytes]) -> list[Event]:
    return [event for piece in pieces for event in connection.receive(piece)]


def octet_by_octet(wire: bytes) -> Iterator[bytes]:
    return (wire[at : at + 1] for at in range(len(wire)))


def cut_anywhere(wire: bytes, chance: random.Random) -> Iterator[bytes]:
    while wire:
        length = chance.choice([1, 2, 3, 4, 5, 7, 50, 4096])
        yield wire[:length]
        wire = wire[length:]


def retrieved(events: list[Event]) -> list[object]:
    return [event.octets for event in events if isinstance(event, Response)]


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_a_message_comes_out_as_it_went_in(message: bytes) -> None:
    wire = b"+OK\r\n" + stuffed(message)
    cuts = [iter([wire]), cut_anywhere(wire, random.Random(1))]
    cuts += [octet_by_octet(wire)] if len(wire) < 5_000 else []

    for pieces in cuts:
        connection = new_connection()
        connection.send(commands.retr(1))
        assert retrieved(feed(connection, pieces)) == [message]


def test_pipelined_messages_are_told_apart_however_they_are_cut() -> None:
    whole = list(MESSAGES.values())
    wire = b"".join(b"+OK\r\n" + stuffed(each) for each in whole)

    for seed in range(20):
        connection = new_connection()
        for number in range(len(whole)):
            connection.send(commands.retr(number + 1))
        assert retrieved(feed(connection, cut_anywhere(wire, random.Random(seed)))) == whole


@given(
    st.lists(st.text(alphabet="\r\n.a", max_size=12).map(str.encode), max_size=5),
    st.randoms(use_true_random=False),
)
def test_any_octets_survive_any_cuts(messages: list[bytes], chance: random.Random) -> None:
    ended = [m if not m or m.endswith(b"\r\n") else m + b"\r\n" for m in messages]
    wire = b"".join(b"+OK\r\n" + stuffed(each) for each in messages)
    connection = new_connection()
    for number in range(len(messages)):
        connection.send(commands.retr(number + 1))

    assert retrieved(feed(connection, cut_anywhere(wire, chance))) == ended


@given(st.binary(max_size=200), st.randoms(use_true_random=False))
def test_anything_is_an_event_or_a_violation(wire: bytes, chance: random.Random) -> None:
    connection = Connection(is_private=True, limits=Limits(line=64, listing=64, message=64))
    for command in (commands.CAPA, commands.auth("PLAIN"), commands.UIDL, commands.retr(1)):
        connection.send(command)
    try:
        events = feed(connection, cut_anywhere(GREETING + wire, chance))
    except ProtocolViolation:
        return
    assert all(isinstance(event, Greeting | Challenge | Response) for event in events)


def test_lines_the_server_did_not_stuff_stay_as_they_are() -> None:
    connection = new_connection()
    connection.send(commands.retr(1))

    events = feed(connection, iter([b"+OK\r\n.a\r\n.b.\r\n.\r\n"]))

    assert retrieved(events) == [b".a\r\n.b.\r\n"]


class FakeSink:
    def __init__(self) -> None:
        self.octets = b""
        self.is_aborted = False
        self.longest = 0

    def write(self, octets: bytes) -> None:
        self.octets += octets
        self.longest = max(self.longest, len(octets))

    def finish(self) -> "FakeSink":
        return self

    def abort(self) -> None:
        self.is_aborted = True

    @property
    def size(self) -> int:
        return len(self.octets)

    def chunks(self) -> Iterator[bytes]:
        yield self.octets

    def discard(self) -> None:
        pass


def test_a_large_message_goes_to_the_sink_as_it_comes() -> None:
    sink = FakeSink()
    connection = Connection(is_private=True, limits=Limits(held=1_000), open_sink=lambda: sink)
    message = b".x\r\n" * 30_000
    wire = GREETING + b"+OK\r\n" + stuffed(message)
    connection.send(commands.retr(1))

    feed(connection, (wire[at : at + 4_096] for at in range(0, len(wire), 4_096)))

    assert sink.octets == message
    assert sink.longest < 10_000


def test_a_large_message_goes_to_the_sink_even_if_it_comes_in_one_piece() -> None:
    sink = FakeSink()
    connection = Connection(is_private=True, limits=Limits(held=1_000), open_sink=lambda: sink)
    message = b".x\r\n" * 300
    connection.send(commands.retr(1))

    feed(connection, iter([GREETING + b"+OK\r\n" + stuffed(message)]))

    assert sink.octets == message


def test_what_is_half_received_is_dropped_by_abort() -> None:
    sink = FakeSink()
    connection = Connection(is_private=True, limits=Limits(held=10), open_sink=lambda: sink)
    connection.send(commands.retr(1))
    feed(connection, iter([GREETING + b"+OK\r\n" + b"x" * 100]))

    connection.abort()

    assert sink.is_aborted


ENDLESS = {
    "status line": (commands.NOOP, b"+OK " + b"x" * 200),
    "listing": (commands.UIDL, b"+OK\r\n" + b"1 x\r\n" * 100),
    "message": (commands.retr(1), b"+OK\r\n" + b"x" * 400),
    "listing that ends too late": (commands.UIDL, b"+OK\r\n" + b"1 x\r\n" * 100 + b".\r\n"),
    "message that ends too late": (commands.retr(1), b"+OK\r\n" + b"x" * 400 + b"\r\n.\r\n"),
}


@pytest.mark.parametrize(("command", "wire"), ENDLESS.values(), ids=ENDLESS)
def test_what_never_ends_is_ended(command: commands.Command, wire: bytes) -> None:
    connection = new_connection(Limits(line=100, listing=300, message=300))
    connection.send(command)

    with pytest.raises(ProtocolViolation):
        feed(connection, iter([wire]))


def test_what_nobody_asked_for_is_a_violation() -> None:
    connection = new_connection()

    with pytest.raises(ProtocolViolation, match="nobody asked"):
        feed(connection, iter([b"+OK surprise\r\n"]))


def test_a_challenge_is_one_only_to_auth() -> None:
    connection = new_connection()
    connection.send(commands.auth("CRAM-MD5"))
    assert feed(connection, iter([b"+ PDE+\r\n"])) == [Challenge(b"PDE+")]
    connection.send(commands.NOOP)

    with pytest.raises(ProtocolViolation):
        feed(connection, iter([b"-ERR\r\n+ PDE+\r\n"]))


def test_nothing_secret_is_said_before_tls() -> None:
    connection = Connection(is_private=False)

    for command in (commands.user("me"), commands.password("x"), commands.retr(1)):
        with pytest.raises(ProtocolViolation, match="before TLS"):
            connection.send(command)
    assert connection.outgoing() == b""


def test_octets_behind_the_consent_to_stls_are_a_violation() -> None:
    connection = Connection(is_private=False)
    connection.send(commands.STLS)
    events = connection.receive(GREETING + b"+OK go\r\n+OK injected\r\n")
    assert isinstance(next(events), Greeting)
    assert isinstance(next(events), Response)

    with pytest.raises(ProtocolViolation):
        connection.forget()


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\0b", "me\r\nDELE 1"])
def test_no_argument_becomes_a_command(text: str) -> None:
    for build in (commands.user, commands.password, commands.auth):
        with pytest.raises(ValueError, match=r"CR, LF or NUL|blank"):
            build(text)


@pytest.mark.parametrize(
    ("greeting", "timestamp"),
    [
        (
            b"+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n",
            b"<1896.697170952@dbc.mtview.ca.us>",
        ),
        (b"+OK ready\r\n", None),
        (b"+OK <no at sign>\r\n", None),
        (b"+OK <\x80\xff@\x81>\r\n", None),  # CVE-2007-1558
    ],
    ids=["sound", "none", "no msg-id", "collision"],
)
def test_only_a_sound_timestamp_is_signed(greeting: bytes, timestamp: bytes | None) -> None:
    (event,) = Connection(is_private=True).receive(greeting)

    assert isinstance(event, Greeting)
    assert event.timestamp == timestamp
