"""Which lines lie between the messages of an mbox."""

from datetime import UTC, datetime

import pytest

from mailvault.mail.mbox import from_line
from mailvault.mail.mbox_lines import begins_field, is_bare, read_from_line

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        b"From ada@example.org Mon Jan  5 12:00:00 2026\n",
        b"From ada@example.org  Mon Jan 05 12:00:00 2026\r\n",
        b"From - Mon Jan 05 12:00:00 2026\n",
        b"From Mon Jan  5 12:00:00 2026\n",
        b'From "ada lovelace" Mon Jan  5 12:00 2026\n',
        b"From 1789@xxx Mon Jan 05 12:00:00 +0000 2026\n",
        b"From ada@example.org Mon Jan  5 07:00:00 EST 2026\n",
        b"From ada@example.org Mon Jan  5 14:00:00 2026 +0200\n",
        b"From ada Mon, 5 Jan 2026 13:00:00 +0100\n",
        b"From ada Mon Jan  5 12:00:00 2026 remote from host\n",
        b"From MAILER-DAEMON Mon Jan  5 12:00:00 2026",
    ],
)
def test_a_line_with_weekday_and_date_is_one(line: bytes) -> None:
    found = read_from_line(line)

    assert found is not None
    assert found.date == NOON


@pytest.mark.parametrize(
    "line",
    [
        b"From this principle, all of life may be deduced.\n",
        b"From Monday to Friday\n",
        b"From the meeting on Mar 5 10:30 2004\n",
        b"From ada@example.org Mon Jan  5 12:00:00 2026 and more words\n",
        b"From ada@example.org\n",
        b"from ada Mon Jan  5 2026\n",
        b"From " + b"Mon Jan " * 400 + b"\n",
    ],
)
def test_words_of_a_text_are_none(line: bytes) -> None:
    assert read_from_line(line) is None


def test_a_date_that_cannot_be_is_no_date_but_a_line() -> None:
    found = read_from_line(b"From ada Mon Jan 45 12:00:00 2026\n")

    assert found is not None
    assert found.date is None


def test_the_line_of_an_export_is_one() -> None:
    found = read_from_line(from_line(NOON))

    assert found is not None
    assert found.date == NOON


def test_a_bare_line_is_known() -> None:
    assert is_bare(b"From \r\n")
    assert is_bare(b"From - \n")
    assert not is_bare(b"From me\n")


def test_the_first_line_of_a_header_is_known() -> None:
    assert begins_field(b"Subject: x")
    assert begins_field(b">From ada")
    assert not begins_field(b"Dear all:")
    assert not begins_field(b" folded: line")
