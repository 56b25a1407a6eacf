"""Sizes, times and tables as a person reads them."""

from datetime import UTC, datetime

import pytest

from mailvault.cli.output import json_text, json_time
from mailvault.cli.render import (
    changes_text,
    columns,
    count_text,
    duration_text,
    size_text,
    table,
)


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1_500_000, "1.4 MiB"),
        (150 << 20, "150 MiB"),
        (3 << 30, "3.0 GiB"),
        (5 << 50, "5120 TiB"),
    ],
)
def test_sizes_have_the_unit_a_person_would_choose(octets: int, shown: str) -> None:
    assert size_text(octets) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.44, "0.4 s"), (75, "1 min 15 s"), (3600, "1 h"), (93_784, "1 d 2 h"), (59.7, "1 min")],
)
def test_durations_have_two_units_at_most(seconds: float, shown: str) -> None:
    assert duration_text(seconds) == shown


def test_counts_agree_with_their_nouns() -> None:
    assert count_text(1, "mailbox", "mailboxes") == "1 mailbox"
    assert count_text(12600, "message") == "12,600 messages"


def test_only_what_changed_is_told() -> None:
    nothing = dict.fromkeys(("arrived", "octets", "flags_changed", "expunged", "unreadable"), 0)

    assert changes_text(**nothing) == "nothing new"
    assert changes_text(**{**nothing, "arrived": 2, "octets": 2048, "expunged": 1}) == (
        "2 new (2.0 KiB), 1 expunged"
    )


def test_tables_align_wide_characters_and_numbers() -> None:
    lines = table(("name", "messages"), [("草稿", "7"), ("\x1b[2Jx", "1,234")], right=(1,))

    assert lines == ["name  messages", "草稿         7", "[2Jx     1,234"]


def test_columns_cut_what_is_too_long() -> None:
    assert columns(("abcdef", "x"), (4, 2)) == "abc…  x"


def test_json_never_holds_a_raw_control_character_and_reads_back_unchanged() -> None:
    import json

    value = {"subject": "\x1b[2J\x9b\u202e\udc80 Entwürfe"}

    text = json_text(value)

    assert json.loads(text) == value
    assert not set(text) & set("\x1b\x9b\u202e\udc80")
    assert "Entwürfe" in text


def test_times_in_json_are_utc_with_a_z() -> None:
    instant = datetime.fromisoformat("2024-05-31T18:00:00+05:45")

    assert json_time(instant) == "2024-05-31T12:15:00Z"
    assert json_time(datetime(2024, 5, 31, tzinfo=UTC)) == "2024-05-31T00:00:00Z"
    assert json_time(None) is None
