import json
import sqlite3
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail.envelope import Envelope, parse_envelope
from mailvault.mail.headers import FIELD_LIMIT, HEADER_LIMIT, TEXT_LIMIT


def subject(raw: bytes) -> str | None:
    return parse_envelope(b"Subject: " + raw + b"\r\n\r\nbody").subject


def test_the_fields_of_a_message_are_read() -> None:
    envelope = parse_envelope(
        b"Return-Path: <a@example.org>\r\n"
        b"Message-ID: <1@example.org>\r\n"
        b"Date: Mon, 5 Jan 2026 13:00:00 +0100\r\n"
        b"From: Ann <a@example.org>\r\n"
        b"To: b@example.org,\r\n c@example.org\r\n"
        b"Cc: d@example.org\r\n"
        b"Reply-To: list@example.org\r\n"
        b"Subject: Lunch\r\n\r\nSubject: not this one\r\n"
    )

    assert envelope == Envelope(
        message_id="<1@example.org>",
        date=datetime(2026, 1, 5, 12, tzinfo=UTC),
        subject="Lunch",
        from_="Ann <a@example.org>",
        to="b@example.org, c@example.org",
        cc="d@example.org",
        reply_to="list@example.org",
    )


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"Subject: x\r\n\r\n", id="first"),
        pytest.param(b"A: b\nSubject: x\n\n", id="bare-lf"),
        pytest.param(b"A: b\r\nSUBJECT:x\r\n\r\n", id="upper-case"),
        pytest.param(b"A: b\r\nsubject \t: x\r\n\r\n", id="blank-before-colon"),
        pytest.param(b"A: b\r\nSubject: x", id="no-body"),
        pytest.param(b"From joe Mon Jan  5 12:00:00 2026\nSubject: x\n\n", id="mbox-line"),
        pytest.param(b"no header line\r\nSubject: x\r\n\r\n", id="rubbish-before"),
        pytest.param(b"Subject:\r\n x\r\n\r\n", id="folded-at-once"),
        pytest.param(b"Subject: x\r\nSubject: y\r\n\r\n", id="twice"),
        pytest.param(b"Subject: x\r\n\nSubject: y\r\n", id="mixed-line-ends"),
    ],
)
def test_a_field_is_found_however_it_stands(header: bytes) -> None:
    assert parse_envelope(header).subject == "x"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\r\n\r\nSubject: x\r\n",
        b"\nSubject: x\n",
        b"X-Subject: x\r\n\r\n",
        b"Subject:\r\n\r\n",
    ],
)
def test_what_has_no_such_field_has_none(octets: bytes) -> None:
    assert parse_envelope(octets) == Envelope()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"=?UTF-8?Q?caf=C3=A9?=", "café"),
        (b"=?utf-8?b?Y2Fmw6k=?=", "café"),
        (b"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a?=\r\n =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a?= b", "a b"),
        (b"a =?ISO-8859-1?Q?b?=", "a b"),
        (b"=?ISO-8859-1?Q?a_b?=", "a b"),
        (b"=?UTF-8?Q?=F0=9F=8E?= =?UTF-8?Q?=89?=", "🎉"),
        (b"=?UTF-8?B?8J+O?= =?UTF-8?B?iQ==?=", "🎉"),
        (b"=?utf-8?Q?=F0=9F=8E?= =?UTF-8?B?iQ==?=", "🎉"),
        (b"=?UTF-8*de?Q?gr=C3=BCn?=", "grün"),
        (b"=?x-unknown?Q?caf=C3=A9?=", "café"),
        (b"=?x-unknown?Q?caf=E9?=", "café"),
        (b"=?us-ascii?Q?caf=E9?=", "café"),
        (b"=?iso-8859-1?Q?=93quoted=94?=", "“quoted”"),
        (b"=?gb2312?B?tPq/qg==?=", "代开"),
        (b"=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "日本"),
        (b"=?KOI8-R?Q?=ED=CF=D3=CB=D7=C1?=", "Москва"),
        (b"=?UTF-8?B?Y2Fmw6k?=", "café"),
        (b"=?UTF-8?B?Y2Fm w6k=?=", "café"),
        (b"=?UTF-8?B?Y2Fmw6k=====?=", "café"),
        (b"=?UTF-8?B?Y?=", ""),
        (b"=?UTF-8?Q?a=?=", "a"),
        (b"=?UTF-8?Q?a=ZZb?=", "a=ZZb"),
        (b"=?UTF-8?Q?what??=", "what?"),
        (b"=?UTF-8?Q?a b?=", "a b"),
        (b"x=?UTF-8?Q?=C3=A9?=y", "xéy"),
        (b"=?UTF-8?X?abc?=", "=?UTF-8?X?abc?="),
        (b"=?UTF-8?Q?never ends", "=?UTF-8?Q?never ends"),
        (b"=?=?=?", "=?=?=?"),
        (b"=?utf-7?Q?+2AA-x?=", "x"),
        (b"=?unicode_escape?Q?=5Cud800x?=", "\\ud800x"),
        (b"=?rot13?Q?nop?=", "nop"),
        (b"=?base64?Q?YWJj?=", "YWJj"),
        (b"=?punycode?Q?abc-?=", "abc-"),
        ("grün".encode(), "grün"),
        ("grün".encode("latin-1"), "grün"),
        (b"a\x00b\x07c\x1b[31m\x7f", "abc[31m"),
        ("a\u0085b\u009bc\u2028d".encode(), "a bc d"),
        ("a\u202eb\u2066c\u200fd".encode(), "abc\u200fd"),
        (b"=?UTF-8?Q?a=0D=0ABcc:_x?=", "a  Bcc: x"),
        (b"a\r\n\t b\r\n c", "a b c"),
        (b"a\rb", "a b"),
    ],
)
def test_a_subject_is_read_as_a_person_would(raw: bytes, text: str) -> None:
    assert subject(raw) == (text or None)


def test_a_message_id_stays_as_it_is() -> None:
    header = b"Message-ID:\r\n  <=?utf-8?Q?x?= a@b>  \r\n\r\n"

    assert parse_envelope(header).message_id == "<=?utf-8?Q?x?= a@b>"


def test_long_fields_are_cut() -> None:
    envelope = parse_envelope(
        b"Message-ID: <" + b"i" * 15_000 + b">\r\nSubject: " + b"s" * 50_000 + b"\r\n\r\n"
    )

    assert envelope.message_id == "<" + "i" * 997
    assert envelope.subject == "s" * TEXT_LIMIT


def test_recipients_are_gathered_from_all_their_fields() -> None:
    envelope = parse_envelope(b"To: a@x\r\nCc: b@x\r\nto: c@x\r\n\r\n")

    assert (envelope.to, envelope.cc) == ("a@x, c@x", "b@x")


def test_a_field_beyond_the_limit_of_the_header_is_not_seen() -> None:
    filler = b"X: " + b"x" * HEADER_LIMIT + b"\r\n"

    assert parse_envelope(filler + b"Subject: late\r\n\r\n").subject is None


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"Subject: " + b"=?a?q?" * 50_000, id="open-words"),
        pytest.param(b"Subject: " + b"=?utf-8?q?a?= " * 50_000, id="many-words"),
        pytest.param(b"Subject: " + b" " * 200_000 + b"x", id="blanks"),
        pytest.param(b"Subject: " + b"\r" * 200_000 + b"x", id="carriage-returns"),
        pytest.param(b"Subject: x" + b"\n " * 120_000, id="folds"),
        pytest.param(b"Date: " + b"(" * 200_000, id="comments"),
        pytest.param(b"To: a\r\n" * 30_000, id="repeated"),
        pytest.param(b"\n" + b"to" * 120_000, id="no-colon"),
        pytest.param(b"Subject: =?" + b"x" * 100_000 + b"?q?a?=", id="long-charset"),
    ],
)
def test_hostile_headers_are_read_in_bounded_work(octets: bytes) -> None:
    envelope = parse_envelope(octets)

    assert len(envelope.subject or "") <= TEXT_LIMIT
    assert len(envelope.to or "") <= TEXT_LIMIT
    assert FIELD_LIMIT < HEADER_LIMIT


header_like = st.binary(max_size=60) | st.sampled_from(
    [
        b"Subject: ",
        b"\r\n",
        b"\n ",
        b"=?utf-8?q?",
        b"=?utf-16?b?",
        b"=?utf-7?q?",
        b"?=",
        b"=ED=A0=80",
        b"Message-ID: ",
        b"Date: ",
        b"\xed\xa0\x80",
        b"+2AA-",
        b"\x00",
        b"\x1b",
    ]
)


@given(st.lists(header_like, max_size=20).map(b"".join))
def test_whatever_the_octets_the_text_is_clean(octets: bytes) -> None:
    envelope = parse_envelope(b"Subject: " + octets)

    text = json.dumps([envelope.message_id, envelope.subject, envelope.to], ensure_ascii=False)
    text.encode("utf-8")
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)
    with sqlite3.connect(":memory:") as database:
        found = database.execute("select ?", (envelope.subject,)).fetchone()
    database.close()
    assert found == (envelope.subject,)
