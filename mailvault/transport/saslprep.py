"""SASLprep (RFC 4013): the one spelling of a user name or password that SCRAM hashes."""

import stringprep
import unicodedata
from collections.abc import Callable

_PROHIBITED: tuple[Callable[[str], bool], ...] = (  # RFC 4013 2.3
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(text: str) -> str:
    """Return the prepared form.

    Raises:
        ValueError: the text holds characters that RFC 4013 does not allow.
    """
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if not stringprep.in_table_b1(character)
    )
    prepared = unicodedata.normalize("NFKC", mapped)
    if any(test(character) for character in prepared for test in _PROHIBITED):
        raise ValueError("a control or other forbidden character")
    _check_direction(prepared)
    return prepared


def _check_direction(text: str) -> None:
    # RFC 3454 6: right-to-left text stands alone, and at both ends.
    if not any(map(stringprep.in_table_d1, text)):
        return
    if any(map(stringprep.in_table_d2, text)):
        raise ValueError("right-to-left and left-to-right characters together")
    if not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise ValueError("right-to-left text that does not begin and end so")


def saslprep_if_possible(text: str) -> str:
    """Prepare the text, or leave it alone where that is not allowed.

    Servers that never heard of SASLprep took such passwords when they were set.
    """
    try:
        return saslprep(text)
    except ValueError:
        return text
