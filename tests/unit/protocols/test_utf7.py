"""Mailbox names: written by the book, read as they come."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.protocols.imap import utf7

names = st.text(st.characters(exclude_categories=["Cs"]))


@given(names)
def test_a_name_comes_back_from_the_wire(name: str) -> None:
    assert utf7.decode(utf7.encode(name)) == name


@given(names)
def test_only_printable_ascii_is_written_and_shifts_are_closed(name: str) -> None:
    wire = utf7.encode(name)

    assert re.fullmatch(rb"(?:[\x20-\x25\x27-\x7e]|&[A-Za-z0-9+,]*-)*", wire)


@given(st.binary())
def test_any_octets_can_be_read(wire: bytes) -> None:
    assert utf7.decode(wire).encode("utf-8") is not None


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),  # RFC 3501 5.1.3
        (b"&Jjo-!", "☺!"),
        (b"a&-b", "a&b"),
        (b"&2D3cSQ-", "\U0001f449"),
        (b"&Jjo", "&Jjo"),
        (b"&", "&"),
        (b"a & b", "a & b"),
        (b"&Jjo!-", "&Jjo!-"),
        (b"&2D0-", "&2D0-"),
        (b"&A-", "&A-"),
        ("Entwürfe".encode(), "Entwürfe"),
        ("Entwürfe & &AOQ-".encode(), "Entwürfe & ä"),
        (b"Entw\xfcrfe", "Entwürfe"),
    ],
)
def test_wrong_names_stay_readable(wire: bytes, name: str) -> None:
    assert utf7.decode(wire) == name


def test_half_a_character_is_not_written() -> None:
    with pytest.raises(ValueError, match="not a mailbox name"):
        utf7.encode("\ud83d")


def test_a_name_in_utf8_keeps_its_ampersands() -> None:
    assert utf7.decode_utf8("&AOQ- & ü".encode()) == "&AOQ- & ü"
