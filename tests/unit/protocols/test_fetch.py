"""The fast way to read a FETCH and the general one never differ."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailvault.errors import ProtocolViolation
from mailvault.mail.model import Flag, Uid
from mailvault.protocols.imap import fetch
from mailvault.protocols.imap.lexer import Response
from mailvault.protocols.imap.parser import ResponseParser
from mailvault.protocols.imap.types import Fetch, Limits, Section, Value
from tests.unit.protocols.conversation import FETCH_ALL, feed, selected

ITEMS = [
    *(b"UID 7", b"UID 4294967295", b"UID 0", b"FLAGS ()", b"FLAGS (\\Seen $x)", b"FLAGS NIL"),
    *(b"FLAGS (\\Recent)", b"RFC822.SIZE 0", b"RFC822.SIZE 123456789012", b"MODSEQ (5)"),
    *(b'INTERNALDATE " 1-Jan-2020 00:00:00 +0100"', b'INTERNALDATE "nonsense"'),
    *(b'INTERNALDATE ""', b"INTERNALDATE NIL", b"EMAILID (M1)", b"X-GM-MSGID 5", b"MODSEQ 5"),
    *(
        b"UID 4294967296",
        b"UID x",
        b"RFC822.SIZE -1",
        b"FLAGS (a",
        b"BODY[] NIL",
        b'BODY[] "q"',
    ),
    b"",
]
LITERALS = [
    b"BODY[]",
    b"BODY[HEADER.FIELDS (MESSAGE-ID)]",
    b"RFC822",
    b"BINARY[]",
    b"BODY[TEXT]",
]


def outcome(texts: list[bytes], literals: list[bytes]) -> Value | None:
    try:
        return ResponseParser(Limits()).parse(Response(texts, list(literals)))
    except ProtocolViolation:
        return None


@st.composite
def responses(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    items = draw(st.lists(st.sampled_from(ITEMS), max_size=5))
    text = b"* 12 FETCH (" + b" ".join(items)
    if not draw(st.booleans()):
        return [text + b")"], []
    text += (b" " if items else b"") + draw(st.sampled_from(LITERALS)) + b" {3}"
    rest = draw(st.lists(st.sampled_from(ITEMS), max_size=2))
    return [text, b"".join(b" " + item for item in rest) + b")"], [b"abc"]


@given(responses())
@example(([b"* 12 FETCH (UID 4294967296 UID 7)"], []))
def test_the_fast_way_gives_what_the_general_way_gives(
    response: tuple[list[bytes], list[bytes]],
) -> None:
    texts, literals = response
    fast = fetch.parse_fast(Response(texts, list(literals)))
    general_texts = [texts[0].replace(b"FETCH", b"fetch"), *texts[1:]]
    assert fetch.parse_fast(Response(general_texts, list(literals))) is None

    if fast is not None:
        assert fast == outcome(general_texts, literals)
    assert outcome(texts, literals) == outcome(general_texts, literals)


@pytest.mark.parametrize(
    "items",
    [
        b"UID 7 FLAGS (\\Seen)",
        b"FLAGS (\\Seen) UID 7 MODSEQ (5)",
        b'INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 22 FLAGS () UID 7',
        b"UID 7 BODY[] {3}",
        b'FLAGS () INTERNALDATE " 7-Jul-1996 02:44:25 -0700" UID 7 BODY[] {3}',
        b"UID 7 BODY[HEADER.FIELDS (MESSAGE-ID)] {3}",
    ],
)
def test_the_usual_shapes_take_the_fast_way(items: bytes) -> None:
    is_literal = items.endswith(b"}")
    texts = [b"* 1 FETCH (" + items + (b"" if is_literal else b")"), b")"]

    response = Response(texts if is_literal else texts[:1], [b"abc"] if is_literal else [])

    assert fetch.parse_fast(response) is not None


def fetched(wire: bytes) -> tuple[Fetch, str | None]:
    events, _ = feed(selected(FETCH_ALL), [wire])
    assert isinstance(events[0].value, Fetch)
    return events[0].value, events[0].tag


def test_a_quoted_body_is_a_body() -> None:
    assert fetched(b'* 1 FETCH (UID 7 BODY[] "a \\"b\\"")\r\n')[0].body == b'a "b"'


def test_an_empty_body_is_not_a_missing_one() -> None:
    assert fetched(b"* 1 FETCH (UID 7 BODY[] {0}\r\n)\r\n")[0].body == b""
    assert fetched(b"* 1 FETCH (UID 7 BODY[] NIL)\r\n")[0].body is None


def test_part_of_a_body_is_never_taken_for_the_body() -> None:
    for item in (b"BODY[]<0>", b"BODY[TEXT]", b"RFC822.TEXT", b"BODY[1]"):
        value, tag = fetched(b"* 1 FETCH (UID 7 " + item + b" {3}\r\nabc)\r\n")
        assert value.body is None
        assert tag == "A3"
        assert [section.octets for section in value.sections] == [b"abc"]


def test_octets_of_a_body_are_not_looked_at() -> None:
    octets = b"\0\r\n)\r\nA3 OK done\r\n* 2 EXISTS\r\n.\r\r\n\n\xff{3}"

    wire = b"* 1 FETCH (UID 7 BODY[] ~{%d}\r\n%s)\r\n" % (len(octets), octets)

    assert fetched(wire)[0].body == octets


def test_flags_of_any_octets_are_text() -> None:
    value, _ = fetched(b"* 1 FETCH (UID 7 FLAGS (\\SEEN a\xff $\xc3\xbc \\recent []x))\r\n")

    assert value.flags == frozenset(map(Flag, ["\\SEEN", "aÿ", "$ü", "[]x"]))


def test_a_header_in_a_quoted_string_is_a_section() -> None:
    value, _ = fetched(b'* 1 FETCH (UID 7 BODY[HEADER.FIELDS ("MESSAGE-ID")] "x")\r\n')

    assert value.uid == Uid(7)
    assert value.sections == (Section('HEADER.FIELDS ("MESSAGE-ID")', b"x"),)
