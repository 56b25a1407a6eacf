"""What servers are known to do to messages is told from what nobody can explain."""

import pytest

from mailvault.mail.alterations import explain, is_same_letter

LETTER = b"A: b\r\n\r\nx\r\n"
HEADER = "octets above ASCII in the header became X"
LINE_ENDS = "bare line feeds or carriage returns became CRLF"
END = "a line end was added at the end"
NUL = "NUL octets were replaced or removed"


@pytest.mark.parametrize(
    ("before", "after", "how"),
    [
        (b"A: \xe4\r\n\r\nx", b"A: X\r\n\r\nx", HEADER),
        (b"A: b\n\nx\n", b"A: b\r\n\r\nx\r\n", LINE_ENDS),
        (b"A: b\r\n\r\nx\ry\r\n", b"A: b\r\n\r\nxy\r\n", LINE_ENDS),
        (b"A: b\r\n\r\nx", b"A: b\r\n\r\nx\r\n", END),
        (b"A: b", b"A: b\r\n", END),
        (b"A: b\r\n\r\nx\0y\r\n", b"A: b\r\n\r\nx\x80y\r\n", NUL),
        (b"A: b\r\n\r\nx\0y\r\n", b"A: b\r\n\r\nxy\r\n", NUL),
    ],
    ids=[
        "header",
        "line feeds",
        "carriage return",
        "end",
        "end of a header",
        "NUL replaced",
        "NUL removed",
    ],
)
def test_a_known_alteration_is_named(before: bytes, after: bytes, how: str) -> None:
    assert explain(before, after) == (how, True)


def test_several_alterations_are_named_together() -> None:
    how, is_known = explain(b"A: \xe4\n\nx", b"A: X\r\n\r\nx\r\n")

    assert is_known
    assert how.count(";") == 2


@pytest.mark.parametrize(
    "after",
    [b"", LETTER[:-3], LETTER + b"more\r\n", b"A: c\r\n\r\nx\r\n", b"\r\n" + LETTER],
    ids=["empty", "cut off", "longer", "other", "moved"],
)
def test_what_nothing_explains_is_not_called_known(after: bytes) -> None:
    how, is_known = explain(LETTER, after)

    assert not is_known
    assert "octet" in how


@pytest.mark.parametrize("after", [b"A: b\r\n\r\nX\r\n", b"A: b\r\n\r\n\r\n"])
def test_octets_of_the_body_are_never_explained_away(after: bytes) -> None:
    assert not is_same_letter(b"A: b\r\n\r\n\xe4\r\n", after)
