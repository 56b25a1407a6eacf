"""The text of a message is found in whatever mail there is, and never at any price."""

import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.operations.message_text import find_text, html_to_text

READ_LIMIT = 1 << 20


def build(text: str = "Hello", *, subtype: str = "plain") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content(text, subtype=subtype)
    return message


def test_plain_text_is_preferred_to_html() -> None:
    message = build("plain")
    message.add_alternative("<p>marked up</p>", subtype="html")

    assert find_text(message.as_bytes()) == ("plain\n", None)


def test_html_alone_is_shown_without_its_markup() -> None:
    message = build("<p>One &amp; two</p><script>x()</script><p>three</p>", subtype="html")

    text, note = find_text(message.as_bytes())

    assert text == "One & two\n\nthree"
    assert note == "this is its HTML without the markup"


def test_an_attached_text_is_not_the_text() -> None:
    message = build("the text")
    message.add_attachment("the attachment", filename="a.txt")

    assert find_text(message.as_bytes())[0] == "the text\n"


def test_a_message_without_text_says_so() -> None:
    octets = b"Content-Type: image/png\r\n\r\nxxxx"

    assert find_text(octets) == (None, "it has no text")


@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        (b"iso-8859-1", "grün".encode("latin-1"), "grün"),
        (b"utf-8", "grün".encode(), "grün"),
        (b"no-such-charset", "grün".encode(), "grün"),
        (b"utf-8", "grün".encode("latin-1"), "grün"),
        (b"us-ascii", "grün".encode(), "grün"),
    ],
)
def test_charsets_are_read_tolerantly(charset: bytes, body: bytes, text: str) -> None:
    octets = b"Content-Type: text/plain; charset=" + charset + b"\r\n\r\n" + body

    assert find_text(octets)[0] == text


def nested(depth: int) -> bytes:
    part = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    opened = b"".join(part % (number, number) for number in range(depth))
    return opened + b"Content-Type: text/plain\r\n\r\ndeep\r\n"


HOSTILE = {
    "deep": nested(1500),
    "deeper than the parser": nested(20_000),
    "deep with many lines": nested(200) + b"x\r\n" * 300_000,
    "markup that never ends": b"Content-Type: text/html\r\n\r\n" + b"<p" * 500_000,
    "comments that never end": b"Content-Type: text/html\r\n\r\n" + b"<!--" * 250_000,
    "scripts that never end": b"Content-Type: text/html\r\n\r\n" + b"<script" * 150_000,
    "entities": b"Content-Type: text/html\r\n\r\n" + b"&#" * 500_000,
    "parameters": b"Content-Type: text/plain" + b"; a=b" * 150_000 + b"\r\n\r\nx",
    "semicolons": b"Content-Type: text/plain" + b";" * 900_000 + b"\r\n\r\nx",
    "many parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\n\r\nx\r\n" * 90_000,
    "nothing": b"",
    "zeros": bytes(900_000),
}


@pytest.mark.parametrize("octets", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_mail_costs_little_time_and_no_exception(octets: bytes) -> None:
    began = time.perf_counter()

    find_text(octets[:READ_LIMIT])

    assert time.perf_counter() - began < 5


@given(st.binary(max_size=2000))
def test_no_octets_raise(octets: bytes) -> None:
    find_text(b"Content-Type: text/html\r\n" + octets)


def test_markup_becomes_lines() -> None:
    assert html_to_text("a<br>b<div>c</div><!-- no --><style>p{}</style>d") == "a\nb\nc\nd"
