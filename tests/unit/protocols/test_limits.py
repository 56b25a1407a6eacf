"""What a hostile server announces or repeats costs us nothing."""

import time
import tracemalloc

import pytest

from mailvault.errors import ProtocolViolation
from mailvault.mail.model import MailboxState
from mailvault.protocols.imap import commands
from mailvault.protocols.imap.types import (
    Event,
    Fetch,
    Limits,
    ListItem,
    Oversized,
    Search,
    Status,
    StatusItem,
    Tagged,
)
from mailvault.protocols.imap.uidset import UidSet
from tests.unit.protocols.conversation import (
    FETCH_ALL,
    MemoryFile,
    Sinks,
    feed,
    logged_in,
    selected,
    single_octets,
)

SEARCH = commands.uid_search(UidSet([(1, 5_000_000)]), esearch=False)


@pytest.mark.parametrize(
    "announcement",
    [
        b"* LIST () NIL {3000000000}",
        b"* LIST () NIL {1048577}",
        b"* 1 FETCH (UID 1 FLAGS {3000000000}",
        b"* 1 FETCH (UID 1 BODY[] {18446744073709551616}",
        b"* 1 FETCH (UID 1 BODY[] {9223372036854775808}",
        b"* 1 FETCH (UID 1 BODY[] {-1}",
        b"* 1 FETCH (UID 1 BODY[] {+}",
        b"* 1 FETCH (UID 1 BODY[] {}",
        b"* 1 FETCH (UID 1 BODY[] {3+}",
        b"* 1 FETCH (UID 1 BODY[] {" + b"9" * 5000 + b"}",
        b"* LIST (BODY[] {1048577}",
    ],
)
def test_an_absurd_literal_is_a_violation_at_once(announcement: bytes) -> None:
    sinks = Sinks()

    events, survived = feed(selected(FETCH_ALL, sinks=sinks), [announcement + b"\r\n"])

    assert (events, survived, sinks.opened) == ([], False, [])


def test_nothing_is_allocated_because_it_was_announced() -> None:
    connection = selected(FETCH_ALL, limits=Limits(message=1 << 40))
    tracemalloc.start()

    feed(connection, [b"* 1 FETCH (UID 1 BODY[] {1000000000000}\r\n", b"x" * 1000])

    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_a_million_literals_in_one_response_are_a_violation() -> None:
    item = b" X {1}\r\nx"

    _, survived = feed(selected(FETCH_ALL), [b"* 1 FETCH (" + item * 1_000_000 + b")\r\n"])

    assert not survived


@pytest.mark.parametrize("size", [1, 100])
def test_an_endless_line_is_a_violation(size: int) -> None:
    connection = selected(limits=Limits(line=1000))
    received = 0

    while feed(connection, [b"x" * size])[1]:
        received += size

    assert received <= 1001


def test_a_line_of_exactly_the_limit_is_read_however_it_comes() -> None:
    limits = Limits(line=100)
    for length, is_fine in ((100, True), (101, False)):
        line = (b"* OK " + b"x" * 200)[:length] + b"\r\n"

        assert feed(selected(limits=limits), [line])[1] is is_fine
        assert feed(selected(limits=limits), single_octets(line))[1] is is_fine


def test_numbers_may_fill_a_longer_line() -> None:
    numbers = b" ".join(b"%d" % number for number in range(1_000_000, 1_400_000, 2))

    events, _ = feed(selected(SEARCH), [b"* SEARCH " + numbers + b"\r\n"])

    assert isinstance(events[0].value, Search)
    assert len(events[0].value.numbers) == 200_000


def test_lists_nested_too_deep_are_a_violation_and_no_recursion_error() -> None:
    deepest = Limits().depth
    for depth, is_fine in ((deepest, True), (deepest + 1, False), (500_000, False)):
        wire = b"* 1 FETCH (UID 1 X " + b"(" * depth + b")" * depth + b")\r\n"

        assert feed(selected(FETCH_ALL), [wire])[1] is is_fine


def test_too_many_mailboxes_are_a_violation() -> None:
    connection = logged_in(Limits(mailboxes=10))
    connection.send(commands.list_mailboxes())

    events, survived = feed(connection, [b'* LIST () "/" x\r\n' * 11])

    assert len(events) == 10
    assert not survived


def test_many_mailboxes_in_two_lists_are_none_too_many() -> None:
    connection = logged_in(Limits(mailboxes=10))
    for tag in (b"A2", b"A3"):
        connection.send(commands.list_mailboxes())

        _, survived = feed(connection, [b'* LIST () "/" x\r\n' * 10 + tag + b" OK\r\n"])

        assert survived


def test_endless_untagged_responses_are_a_violation() -> None:
    connection = selected(FETCH_ALL, FETCH_ALL, limits=Limits(untagged_in_command=100))

    assert feed(connection, [b"* 1 EXISTS\r\n" * 100 + b"A3 OK\r\n"])[1]
    assert feed(connection, [b"* 1 EXISTS\r\n" * 100])[1]
    assert not feed(connection, [b"* 1 EXISTS\r\n"])[1]


def test_a_dead_connection_stays_dead() -> None:
    connection = selected()
    feed(connection, [b"nonsense\r\n"])

    with pytest.raises(ProtocolViolation):
        connection.receive(b"* OK\r\n")
    with pytest.raises(ValueError, match="not allowed"):
        connection.send(commands.noop())


def message(octets: bytes, tail: bytes = b")") -> bytes:
    return b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%s%s\r\n" % (len(octets), octets, tail)


def body(events: list[Event]) -> object:
    assert isinstance(events[0].value, Fetch)
    return events[0].value.body


LITTLE = Limits(literal=10, message=1000)


@pytest.mark.parametrize("cuts_all", [False, True], ids=["whole", "single octets"])
def test_a_message_too_big_for_memory_goes_to_a_sink(cuts_all: bool) -> None:
    wire = message(b"x" * 500) + b"A3 OK\r\n"
    sinks = Sinks()

    events, _ = feed(
        selected(FETCH_ALL, limits=LITTLE, sinks=sinks),
        single_octets(wire) if cuts_all else [wire],
    )

    assert body(events) == MemoryFile(b"x" * 500)
    assert [sink.announced for sink in sinks.opened] == [500]
    assert isinstance(events[-1].value, Tagged)


def test_a_large_message_without_a_sink_stays_whole() -> None:
    events, _ = feed(selected(FETCH_ALL, limits=LITTLE), [message(b"x" * 500)])

    assert body(events) == b"x" * 500


@pytest.mark.parametrize("cuts_all", [False, True], ids=["whole", "single octets"])
def test_a_message_above_the_limit_is_reported_and_the_rest_goes_on(cuts_all: bool) -> None:
    wire = message(b"x" * 1001) + message(b"small") + b"A3 OK\r\n"
    sinks = Sinks()

    events, survived = feed(
        selected(FETCH_ALL, limits=LITTLE, sinks=sinks),
        single_octets(wire) if cuts_all else [wire],
    )

    assert body(events) == Oversized(1001)
    assert body(events[1:]) == b"small"
    assert (len(events), survived, sinks.opened) == (3, True, [])


def test_a_message_cut_off_by_the_end_leaves_no_file() -> None:
    sinks = Sinks()
    connection = selected(FETCH_ALL, limits=LITTLE, sinks=sinks)

    feed(connection, [message(b"x" * 500)[:300]])
    connection.abort()
    connection.abort()

    assert [sink.is_aborted for sink in sinks.opened] == [True]


@pytest.mark.parametrize(
    "tail",
    [b" BODY[] {3}\r\nabc)", b" nonsense", b") x", b" X (BODY[] {20}\r\n" + b"y" * 20 + b"))"],
)
def test_a_message_in_a_broken_response_leaves_no_file(tail: bytes) -> None:
    sinks = Sinks()

    events, survived = feed(
        selected(FETCH_ALL, limits=LITTLE, sinks=sinks), [message(b"x" * 500, tail)]
    )

    assert (events, survived) == ([], False)
    assert sinks.opened
    assert sinks.left_behind([]) == []


def test_a_disk_that_fails_ends_the_connection_with_its_own_error() -> None:
    class FullSink:
        def write(self, octets: bytes | memoryview) -> None:
            raise OSError("disk full")

        def finish(self) -> MemoryFile:
            raise AssertionError

        def abort(self) -> None:
            pass

    connection = selected(FETCH_ALL, limits=LITTLE, sinks=lambda size: FullSink())

    with pytest.raises(OSError, match="disk full"):
        list(connection.receive(message(b"x" * 500)))
    with pytest.raises(ProtocolViolation):
        connection.receive(b"")


BEGINNINGS = [
    *(b"* ", b"* 1 ", b"* OK ", b"* OK [", b"* OK [X (", b"A3 OK [", b"+ ", b"* LIST "),
    *(b"* LIST (", b'* LIST () "/" ', b'* LIST () "/" "', b'* LIST () "/" a ('),
    *(b"* STATUS ", b"* STATUS a (", b'* STATUS "', b"* SEARCH ", b"* SEARCH (MODSEQ "),
    *(b"* ESEARCH ", b"* ESEARCH ALL ", b"* VANISHED ", b"* CAPABILITY ", b"* ID ("),
    *(b"* NAMESPACE ", b"* FLAGS (", b"* 1 FETCH (", b"* 1 FETCH (FLAGS ("),
    *(b'* 1 FETCH (INTERNALDATE "', b"* 1 FETCH (BODY[", b"* 1 FETCH (X "),
    b"* 1 FETCH (BODY[HEADER.FIELDS (",
]
FILLINGS = [
    *(b" ", b"(", b")", b"a", b"1", b"1 ", b"1:2,", b'"', b"\\", b"{", b"[", b"]", b"&"),
    *(b"UID 1 ", b"BODY[", b"(a b) ", b"a (", b'"a" ', b"\0", b"\r", b"\n", b"&a-", b" {1}"),
]


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_no_long_line_takes_long(beginning: bytes) -> None:
    for filling in FILLINGS:
        line = beginning + filling * (30_000 // len(filling)) + b")\r\n"
        connection = selected(FETCH_ALL)
        started = time.process_time()

        feed(connection, [line])

        assert time.process_time() - started < 1, filling


@pytest.mark.parametrize("number", [b"4294967296", b"9223372036854775808", b"-1", b"9" * 5000])
def test_a_number_that_fits_nowhere_is_not_told(number: bytes) -> None:
    events, _ = feed(
        selected(),
        [
            b"* STATUS x (UIDNEXT " + number + b" UIDVALIDITY " + number + b" UNSEEN 3)\r\n",
            b"* OK [UIDNEXT " + number + b"] x\r\n",
        ],
    )

    status, told = (event.value for event in events)
    assert status == StatusItem(b"x", MailboxState(), unseen=3)
    assert isinstance(told, Status)
    assert told.code is not None
    assert told.code.number is None


def test_listed_mailboxes_are_still_read_after_long_names() -> None:
    connection = logged_in()
    connection.send(commands.list_mailboxes())
    name = b"a" * 100_000

    events, _ = feed(connection, [b'* LIST () "/" {100000}\r\n' + name + b"\r\nA2 OK\r\n"])

    assert isinstance(events[0].value, ListItem)
    assert events[0].value.wire_name == name
