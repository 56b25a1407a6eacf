"""Mending takes the fault away, and leaves the rest."""

from email import message_from_bytes
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail.mending import LONGEST_LINE, Fault, faults, mended
from tests.corpus.odd import oddities

LETTER = b"A: b\r\n\r\nx\r\n"


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"A: b\r\n\r\nx\0\r\n", Fault.NUL),
        (b"A: \xe4\r\n\r\nx\r\n", Fault.HEADER),
        (b"A: b\r\n\r\n" + b"x" * 999 + b"\r\n", Fault.LONG_LINES),
        (b"A: b\r\n\r\nx\ny\r\n", Fault.LINE_ENDS),
        (b"A: b\r\n\r\nx\ry\r\n", Fault.LINE_ENDS),
        (b"A: b\r\n\r\nx", Fault.END),
    ],
    ids=str,
)
def test_a_fault_is_seen_and_mended(octets: bytes, fault: Fault) -> None:
    assert faults(octets) == [fault]
    assert faults(mended(octets, fault)) == []


def test_a_message_without_faults_has_none() -> None:
    assert faults(LETTER + b"x" * LONGEST_LINE + b"\r\n\xe4\r\n") == []


@pytest.mark.parametrize("fault", list(Fault), ids=str)
def test_what_is_sound_stays_as_it_is(fault: Fault) -> None:
    assert mended(LETTER, fault) == LETTER


@given(st.binary(max_size=3000))
def test_every_fault_can_be_mended(octets: bytes) -> None:
    for _ in Fault:  # mending one may show another: a line that grew, an end that came late
        for fault in faults(octets):
            octets = mended(octets, fault)

    assert Fault.NUL not in faults(octets)
    assert Fault.LINE_ENDS not in faults(octets)
    assert Fault.LONG_LINES not in faults(octets)


@pytest.mark.parametrize("oddity", oddities(), ids=str)
def test_odd_mail_loses_its_faults(oddity: object) -> None:
    octets = getattr(oddity, "octets", b"")
    for fault in faults(octets) + faults(octets):
        octets = mended(octets, fault)

    assert not {Fault.NUL, Fault.LONG_LINES, Fault.LINE_ENDS} & set(faults(octets))


def test_words_of_a_header_can_still_be_read() -> None:
    subject = "Grüße aus Köln " * 12
    octets = b"Subject: " + subject.encode() + b"\r\n\r\nx\r\n"

    message = message_from_bytes(mended(octets, Fault.HEADER))

    assert message["Subject"].isascii()
    assert "Grüße" in str(make_header(decode_header(message["Subject"])))
