"""Ordinary mail by the thousand, made from a seed: the same seed gives the same octets."""

import base64
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.corpus.letter import Letter

FLAG_SETS = (
    frozenset[str](),
    frozenset({"\\Seen"}),
    frozenset({"\\Seen", "\\Answered"}),
    frozenset({"\\Seen", "\\Flagged", "$Forwarded"}),
    frozenset({"\\Draft"}),
    frozenset({"\\Seen", "NonJunk"}),
)

_VOCABULARY = (
    "the of and to in for is on that by this with you it not or be are from at as your all have"
    " new more an was we will home can us about if page my has search free but our one other do"
    " no information time they site he up may what which their news out use any there see only"
    " so his when contact here business who web also now help get view online first been would"
    " Grüße Übung straße naïve façade"
)
_WORDS = _VOCABULARY.split()
_PEOPLE = (
    "Ada Lovelace",
    "Grace Hopper",
    "José Núñez",
    "Ольга Иванова",
    "山田太郎",
    "Ann O'Nym",
)
_EPOCH = datetime(2019, 3, 1, 8, tzinfo=UTC)
_SHARED_FILES = 8


def generate(seed: int, count: int) -> Iterator[Letter]:
    """Yield ``count`` letters: plain text, HTML, attachments that recur, threads."""
    # Mail must come out the same on every machine, so the generator is ours and seeded.
    chance = random.Random(seed)
    attachments = [
        chance.randbytes(chance.randrange(500, 60_000)) for _ in range(_SHARED_FILES)
    ]
    for number in range(count):
        sent = _EPOCH + timedelta(minutes=37 * number)
        yield Letter(
            _message(chance, f"{seed}.{number}", sent, attachments),
            chance.choice(FLAG_SETS),
            sent + timedelta(seconds=chance.randrange(120)),
        )


def small(seed: int, count: int) -> Iterator[Letter]:
    """Yield letters of some 200 octets, for mailboxes that are long rather than heavy."""
    for number in range(count):
        octets = (
            f"Message-ID: <{seed}.{number}@small.invalid>\r\nSubject: {number}\r\n\r\nhi\r\n"
        )
        yield Letter(octets.encode(), FLAG_SETS[number % 2], _EPOCH + timedelta(seconds=number))


def _message(
    chance: random.Random, name: str, sent: datetime, attachments: list[bytes]
) -> bytes:
    kind = chance.random()
    if kind < 0.55:
        kind_header, body = "text/plain; charset=utf-8", _text(chance)
    elif kind < 0.8:
        kind_header, body = _alternative(chance, name)
    else:
        kind_header, body = _with_attachment(chance, name, chance.choice(attachments))
    header = [
        f"Received: from mx{chance.randrange(9)}.example.net by mail.example.org with ESMTPS;",
        f"\t{format_datetime(sent)}",
        f"From: {_person(chance)}",
        f"To: {_person(chance)}",
        f"Subject: {_encoded(' '.join(chance.choices(_WORDS, k=chance.randrange(1, 9))))}",
        f"Date: {format_datetime(sent)}",
        f"Message-ID: <{name}@corpus.invalid>",
        "MIME-Version: 1.0",
        f"Content-Type: {kind_header}",
        "Content-Transfer-Encoding: 8bit",
    ]
    return "\r\n".join([*header, "", body]).encode()


def _text(chance: random.Random) -> str:
    lines = [
        " ".join(chance.choices(_WORDS, k=chance.randrange(1, 14)))
        for _ in range(chance.randrange(1, 60))
    ]
    return "\r\n".join(lines) + "\r\n"


def _alternative(chance: random.Random, name: str) -> tuple[str, str]:
    text = _text(chance)
    html = "".join(f"<p>{line}</p>\r\n" for line in text.splitlines())
    body = (
        f"--=_{name}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        f"--=_{name}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html>{html}</html>\r\n"
        f"--=_{name}--\r\n"
    )
    return f'multipart/alternative; boundary="=_{name}"', body


def _with_attachment(chance: random.Random, name: str, octets: bytes) -> tuple[str, str]:
    encoded = base64.encodebytes(octets).decode().replace("\n", "\r\n")
    body = (
        f"--=_{name}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{_text(chance)}\r\n"
        f"--=_{name}\r\nContent-Type: application/octet-stream\r\n"
        f'Content-Disposition: attachment; filename="file {len(octets)}.bin"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}--=_{name}--\r\n"
    )
    return f'multipart/mixed; boundary="=_{name}"', body


def _person(chance: random.Random) -> str:
    name = chance.choice(_PEOPLE)
    return f"{_encoded(name)} <person{_PEOPLE.index(name)}@example.org>"


def _encoded(text: str) -> str:
    """Write text for a header (RFC 2047)."""
    if text.isascii():
        return text
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="
