"""Fields that mail programs add to messages: taken out, and understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail.mbox import status_fields
from mailvault.mail.model import Flag
from mailvault.mail.store_fields import Marks, take_leading_marks, take_marks
from tests.flags import build_flags

HEADER = b"Subject: x\r\nTo: y\r\n"


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        (b"Status: RO\r\n", {"\\Seen"}),
        (b"Status: O\r\n", set()),
        (b"X-Status: AFDT\r\n", {"\\Answered", "\\Flagged", "\\Deleted", "\\Draft"}),
        (b"status:R\r\nX-STATUS: f\r\n", {"\\Seen", "\\Flagged"}),
        (b"X-Keywords: a  $b\r\n c\r\n", {"a", "$b", "c"}),
        (b"X-Keywords: (x) \\Seen \xff\r\n", set()),
        (b"X-Mozilla-Status: 0001\r\nX-Mozilla-Status2: 00200000\r\n", {"\\Seen", "\\Deleted"}),
        (b"X-Mozilla-Status: zzzz\r\n", set()),
    ],
)
def test_fields_say_flags(fields: bytes, flags: set[str]) -> None:
    for head in (fields + HEADER, HEADER + fields):
        left, marks = take_marks(head + b"\r\nbody")

        assert left == HEADER + b"\r\nbody"
        assert marks.flags == build_flags(*flags)


def test_a_message_without_such_fields_stays_as_it_is() -> None:
    head = HEADER + b"X-Status-Report: fine\r\n Status: folded\r\n\r\nStatus: RO\r\n"

    assert take_marks(head) == (head, Marks())


def test_a_content_length_goes_only_if_it_was_right() -> None:
    head = b"Content-Length: 5\r\n" + HEADER + b"\r\nbody"

    assert take_marks(head)[0] == head
    assert take_marks(head, has_length=True)[0] == HEADER + b"\r\nbody"


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        (b"Inbox,Work/2026", ("Inbox", "Work/2026")),
        (b'"a, b", "say ""x""",c', ("a, b", 'say "x"', "c")),
        (b"=?UTF-8?Q?Caf=C3=A9,_bar?=", ("Café", "bar")),
        (b"a,,a, b ,", ("a", "b")),
        (b"", ()),
    ],
)
def test_labels_are_a_list(value: bytes, labels: tuple[str, ...]) -> None:
    left, marks = take_marks(b"X-Gmail-Labels: " + value + b"\r\n" + HEADER + b"\r\n")

    assert left == HEADER + b"\r\n"
    assert marks.labels == labels


flag_sets = st.frozensets(
    st.sampled_from(["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft",
                     "$Forwarded", "Work", "NonJunk"]).map(Flag)
)  # fmt: skip


@given(flag_sets, st.binary(max_size=60), st.sampled_from([b"\n", b"\r\n"]))
def test_what_an_export_put_before_a_message_goes_and_nothing_else(
    flags: frozenset[Flag], octets: bytes, line_end: bytes
) -> None:
    twice = status_fields(frozenset(), line_end) + octets

    left, marks = take_leading_marks(status_fields(flags, line_end) + twice)

    assert left == twice
    assert marks.flags == build_flags(*flags)


@given(st.binary(max_size=300))
def test_nothing_makes_it_fail(octets: bytes) -> None:
    left, _ = take_marks(octets)

    assert len(left) <= len(octets)
