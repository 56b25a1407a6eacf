"""A recipe's header says where the lifted parts stood, or is refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.archive.content.recipe import (
    BadRecipe,
    RecipeHole,
    RecipeReader,
    encode_header,
)
from mailvault.mail.lifting import LineShape

shapes = st.one_of(
    st.builds(
        LineShape, st.integers(1, 8192), st.sampled_from([b"\r\n", b"\n"]), st.booleans()
    ),
    st.builds(LineShape, st.just(0), st.just(b""), st.booleans()),
)
holes = st.builds(
    RecipeHole,
    st.integers(0, 1 << 40),
    st.integers(0, 1 << 40),
    shapes,
    st.binary(min_size=32, max_size=32),
)


@given(st.lists(holes, max_size=20), st.binary(max_size=100), st.integers(1, 60))
def test_holes_and_text_come_back_however_they_are_cut(
    expected: list[RecipeHole], text: bytes, cut: int
) -> None:
    stored = encode_header(expected) + text

    recipe = RecipeReader(stored[at : at + cut] for at in range(0, len(stored), cut))

    assert recipe.holes == expected
    assert b"".join(recipe.text()) == text


def test_text_is_read_between_the_holes() -> None:
    recipe = RecipeReader([encode_header([]) + b"abc", b"defg"])

    assert b"".join(recipe.text(2)) == b"ab"
    assert b"".join(recipe.text(3)) == b"cde"
    assert b"".join(recipe.text()) == b"fg"
    assert b"".join(recipe.text()) == b""


def test_a_text_that_is_too_short_is_refused() -> None:
    recipe = RecipeReader([encode_header([]) + b"abc"])

    with pytest.raises(BadRecipe):
        b"".join(recipe.text(4))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\x01",
        struct.pack("<I", 0xFFFFFFFF) + bytes(4096),
        struct.pack("<I", 1) + struct.pack("<QQIB32s", 0, 9, 1 << 31, 0, bytes(32)),
        struct.pack("<I", 2) + struct.pack("<QQIB32s", 0, 9, 76, 0, bytes(32)),
    ],
    ids=["empty", "short", "count", "line", "cut-off"],
)
def test_a_header_that_was_never_written_is_refused(header: bytes) -> None:
    with pytest.raises(BadRecipe):
        RecipeReader([header])
