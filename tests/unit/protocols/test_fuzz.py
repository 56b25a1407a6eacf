"""Whatever a server sends: values or a ProtocolViolation, and nothing left behind."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailvault.protocols.imap import commands
from mailvault.protocols.imap.connection import Connection
from mailvault.protocols.imap.types import Limits
from mailvault.protocols.imap.uidset import UidSet
from tests.unit.protocols.conversation import (
    FETCH_ALL,
    Sinks,
    cut,
    feed,
    logged_in,
    selected,
    single_octets,
)
from tests.unit.protocols.transcripts import TRANSCRIPTS

SMALL = Limits(line=120, number_line=400, literal=30, message=90, depth=5, mailboxes=4)

FRAGMENTS = [
    *(b"* ", b"+ ", b"A1 ", b"A3 ", b"A4 ", b"OK ", b"NO ", b"BAD ", b"BYE ", b"PREAUTH "),
    *(b"1 ", b"0 ", b"4294967296 ", b"-1 ", b"99999999999999999999 ", b"1:3,5", b"*"),
    *(b"FETCH ", b"EXISTS", b"EXPUNGE", b"RECENT", b"LIST ", b"LSUB ", b"STATUS ", b"SEARCH "),
    *(b"ESEARCH ", b"VANISHED ", b"(EARLIER) ", b"CAPABILITY ", b"ENABLED ", b"ID ", b"FLAGS "),
    *(b"NAMESPACE ", b"(", b")", b" ", b'"', b"\\", b"NIL ", b"NIL", b'"/" ', b"INBOX ", b"&"),
    *(b"UID ", b"UID 7 ", b"FLAGS (\\Seen)", b"INTERNALDATE ", b'"1-Jan-2020 00:00:00 +0000" '),
    *(b"RFC822.SIZE 3 ", b"MODSEQ (5) ", b"BODY[] ", b"BODY[HEADER.FIELDS (MESSAGE-ID)] "),
    *(b"{0}\r\n", b"{3}\r\nabc", b"{40}\r\n" + b"x" * 40, b"{99}\r\n" + b"y" * 99),
    *(b"{-1}\r\n", b"{3000000000}\r\n", b"{18446744073709551616}\r\n", b"{+}\r\n", b"{5}x"),
    *(b'(TAG "A3") ', b"ALL 1:3", b"[UIDNEXT 4] ", b"[CAPABILITY IMAP4rev1] ", b"]", b"\r\n"),
    *(b"\r\n", b"\r", b"\n", b"\0", b"\xff", b")\r\n", b"MESSAGES 3 ", b"X-GM-LABELS (a) "),
]  # fmt: skip

responses = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map(b"".join)
mutations = st.tuples(
    st.sampled_from([transcript.octets for transcript in TRANSCRIPTS]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=3)), max_size=4),
)
splits = st.lists(st.integers(0, 400), max_size=10)


def mutated(octets: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for place, removed, added in changes:
        index = int(place * len(octets))
        octets = octets[:index] + added + octets[index + removed :]
    return octets


def busy(sinks: Sinks) -> Connection:
    search = commands.uid_search(UidSet.of([1]), esearch=True)
    return selected(FETCH_ALL, search, limits=SMALL, sinks=sinks)


def check(octets: bytes, places: list[int]) -> None:
    outcomes = []
    for pieces in ([octets], single_octets(octets), cut(octets, places)):
        sinks = Sinks()
        connection = busy(sinks)
        events, survived = feed(connection, pieces)
        connection.abort()
        assert sinks.left_behind(events) == []
        outcomes.append((events, survived))
    assert outcomes[0] == outcomes[1] == outcomes[2]


@given(st.binary(max_size=200), splits)
def test_any_octets_are_values_or_a_violation(octets: bytes, places: list[int]) -> None:
    check(octets, places)


@settings(max_examples=400)
@given(responses, splits)
@example(b"* 1 FETCH (FOO BODY[] {40}\r\n" + b"x" * 40 + b")\r\n", [])
@example(b"* 1 FETCH (FOO (BODY[] {40}\r\n" + b"x" * 40 + b"))\r\n", [])
@example(b"* LIST () NIL (\r\n", [])
def test_any_tokens_are_values_or_a_violation(octets: bytes, places: list[int]) -> None:
    check(b"* " + octets + b"\r\n", places)


@given(mutations, splits)
def test_broken_transcripts_are_values_or_a_violation(
    mutation: tuple[bytes, list[tuple[float, int, bytes]]], places: list[int]
) -> None:
    check(mutated(*mutation), places)


@given(st.binary(max_size=100) | responses)
def test_a_greeting_of_any_octets_is_a_greeting_or_a_violation(octets: bytes) -> None:
    connection = Connection(is_private=True)

    feed(connection, [octets, b"\r\n"])

    assert (connection.greeting is not None) or not connection.capabilities


@given(responses)
def test_any_tokens_after_login_are_values_or_a_violation(octets: bytes) -> None:
    connection = logged_in(SMALL)
    connection.send(commands.list_mailboxes())

    feed(connection, [octets, b"\r\n"])
