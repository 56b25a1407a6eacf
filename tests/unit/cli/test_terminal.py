"""Nothing that mail or a server says can control the terminal it is shown on."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.cli.terminal import padded, printable, printable_lines, shortened, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;owned\x07Hello", "[2J]0;ownedHello"),
        ("\x9b31mred", "31mred"),
        ("a\r\nb\tc", "a b c"),
        ("txt.\u202eexe", "txt.exe"),
        ("\u2066a\u2069\u200f\u200e\u061c\ufeff", "a"),
        ("one\u2028two\u2029three", "onetwothree"),
        ("\udc80", "\ufffd"),
        ("Entwürfe 草稿 👩‍👩‍👧", "Entwürfe 草稿 👩‍👩‍👧"),
        ("", ""),
    ],
)
def test_control_characters_are_stripped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(codec=None)))
def test_no_text_is_left_with_a_control_character(text: str) -> None:
    shown = printable(text)

    assert not [
        each for each in shown if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp")
    ]
    assert not [
        each for each in shown if unicodedata.bidirectional(each) in ("RLO", "LRO", "RLI")
    ]


def test_lines_and_tabs_of_a_text_stay() -> None:
    assert printable_lines("a\tb\r\nc\rd\n\x1b[1me") == "a\tb\nc\nd\n[1me"


def test_width_counts_wide_and_combining_characters() -> None:
    assert width("草稿") == 4
    assert width("e\u0301") == 1


@pytest.mark.parametrize(("text", "shown"), [("short", "short"), ("far too long", "far t…")])
def test_long_text_is_cut_visibly(text: str, shown: str) -> None:
    assert shortened(text, 6) == shown


def test_wide_text_is_cut_and_padded_by_columns() -> None:
    assert shortened("草稿草稿", 5) == "草稿…"
    assert padded("草", 4) == "草  "
