import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from mailvault.transport.printable import LONGEST, printable


@given(st.binary() | st.text())
def test_nothing_that_moves_a_cursor_or_turns_a_line_gets_through(text: bytes | str) -> None:
    shown = printable(text)

    assert len(shown) <= LONGEST
    assert not any(
        unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} for character in shown
    )


def test_words_of_any_language_stay_readable() -> None:
    assert printable("Zugriff verweigert — 許可".encode()) == "Zugriff verweigert — 許可"


def test_a_terminal_code_becomes_a_blank() -> None:
    assert printable(b"\x1b]52;c;ZXZpbA==\x07 hi\r\nthere") == "]52;c;ZXZpbA== hi there"
