import mailbox
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail.mbox import from_line, quote, quoted, unquote
from tests.corpus.odd import oddities

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)

lines = st.lists(
    st.sampled_from(
        [b"From ", b">From ", b">>", b">", b"From", b"F", b"\n", b"\r\n", b"\r", b"x"]
    ),
    max_size=30,
).map(b"".join)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", b""),
        (b"From ", b">From "),
        (b"From x\n", b">From x\n"),
        (b">From x\n", b">>From x\n"),
        (b"a\nFrom x\n", b"a\n>From x\n"),
        (b"a\r\nFrom x\r\n", b"a\r\n>From x\r\n"),
        (b"a\r\n>>From x\r\n", b"a\r\n>>>From x\r\n"),
        (b"a\rFrom x", b"a\rFrom x"),
        (b"a From x", b"a From x"),
        (b"From:\nFrom\n", b"From:\nFrom\n"),
        (b"\nFrom \nFrom ", b"\n>From \n>From "),
    ],
)
def test_every_from_line_gets_one_mark(octets: bytes, expected: bytes) -> None:
    assert quote(octets) == expected


@given(lines)
def test_quoting_is_undone_by_unquoting(octets: bytes) -> None:
    assert unquote(quote(octets)) == octets


@given(lines)
def test_no_quoted_message_holds_a_from_line(octets: bytes) -> None:
    assert not re.search(rb"(?m)^From ", quote(octets))


@given(lines, st.lists(st.integers(0, 60)))
def test_pieces_are_quoted_as_the_whole_is(octets: bytes, cuts: list[int]) -> None:
    ends = sorted({min(cut, len(octets)) for cut in cuts} | {len(octets)})
    pieces = [octets[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    assert b"".join(quoted(pieces)) == quote(octets)


def test_one_octet_at_a_time_is_quoted_as_the_whole_is() -> None:
    octets = b"From a\n>>From b\r\nFromage\n>>>\n>From "

    assert b"".join(quoted(bytes([octet]) for octet in octets)) == quote(octets)


def test_a_from_line_says_when_in_utc() -> None:
    one_hour_east = datetime(2026, 1, 5, 13, 0, 1, tzinfo=timezone(timedelta(hours=1)))

    assert from_line(one_hour_east) == b"From MAILER-DAEMON Mon Jan  5 12:00:01 2026\n"
    assert from_line(None) == b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n"


def test_other_programs_find_the_messages(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    messages = [each.octets for each in oddities() if each.octets.endswith(b"\n")]
    path.write_bytes(b"".join(from_line(NOON) + quote(each) + b"\n" for each in messages))

    opened = mailbox.mbox(str(path), create=False)
    found = [unquote(opened.get_bytes(key)) for key in opened.keys()]  # noqa: SIM118  not a dict
    opened.close()

    assert found == messages
