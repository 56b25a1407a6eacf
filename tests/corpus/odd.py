"""Odd messages: each breaks a rule that some mail program takes for granted.

Every line says why its message is odd. They are octets, not text: no mail library has
touched them, for most would tidy them.
"""

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = (
    b"From: Ada <ada@example.org>\r\nTo: Bob <bob@example.org>\r\n"
    b"Date: Mon, 02 Jan 2006 15:04:05 +0000\r\n"
)


@dataclass(frozen=True, slots=True)
class Oddity:
    name: str
    why: str
    octets: bytes


def oddities() -> list[Oddity]:
    """All odd messages, small and large."""
    return [*_line_ends(), *_characters(), *_headers(), *_dates(), *_structure(), *_base64()]


def simple(name: str, body: bytes = b"body\r\n", more: bytes = b"") -> bytes:
    """A plain message with its own Message-ID, and ``more`` header lines."""
    message_id = b"Message-ID: <%s@odd.invalid>\r\n" % name.encode()
    return HEADER + b"Subject: %s\r\n" % name.encode() + message_id + more + b"\r\n" + body


def _line_ends() -> Iterator[Oddity]:
    yield Oddity("bare-lf", "bare LF everywhere", simple("bare-lf").replace(b"\r\n", b"\n"))
    yield Oddity("bare-cr", "bare CR in the body", simple("bare-cr", b"one\rtwo\r\rthree\r\n"))
    yield Oddity("cr-cr-lf", "CR CR LF line ends", simple("cr-cr-lf", b"one\r\r\ntwo\r\r\n"))
    yield Oddity("mixed", "CRLF, LF and CR by turns", simple("mixed", b"a\r\nb\nc\rd\n\r"))
    yield Oddity("no-final", "no line end at the end", simple("no-final", b"the end"))
    yield Oddity("final-cr", "CR without LF at the end", simple("final-cr", b"the end\r"))
    yield Oddity("only-newline", "an empty header and no body", b"\r\n")
    yield Oddity("no-blank-line", "a header that never ends", HEADER + b"Subject: endless\r\n")
    yield Oddity("empty", "zero octets", b"")
    dots = b".\r\n..\r\n...\r\n.leading\r\n"
    yield Oddity("dots", "lines that begin with dots (POP3 stuffing)", simple("dots", dots))
    yield Oddity(
        "from-lines", "mbox separators", simple("from-lines", b"From x\r\n>From y\r\n")
    )


def _characters() -> Iterator[Oddity]:
    yield Oddity("nul", "NUL in the body", simple("nul", b"a\0b\r\n\0\0\r\n"))
    yield Oddity("all-octets", "all 256 octets", simple("all-octets", bytes(range(256))))
    yield Oddity(
        "latin-1-header",
        "raw ISO 8859-1 in the header",
        simple("latin-1", more=b"X: Gr\xfc\xdfe\r\n"),
    )
    raw = "Subject: Grüße, 日本語\r\n".encode()
    yield Oddity(
        "utf-8-header", "raw UTF-8 in the header (RFC 6532)", simple("utf-8", more=raw)
    )
    yield Oddity(
        "shift-jis",
        "a charset that is not the one announced",
        simple(
            "sjis",
            "日本語\r\n".encode("shift_jis"),
            b"Content-Type: text/plain; charset=utf-8\r\n",
        ),
    )
    controls = b"X-Terminal: \x1b]0;owned\x07\x1b[2J\r\n"
    yield Oddity(
        "escape", "terminal control codes in a header", simple("escape", more=controls)
    )
    bidi = "Subject: ‮fdp.exe‬\r\n".encode()
    yield Oddity("bidi", "text direction overrides in the subject", simple("bidi", more=bidi))
    yield Oddity(
        "long-line", "one line of 200,000 octets", simple("long-line", b"x" * 200_000 + b"\r\n")
    )
    zstd = b"\x28\xb5\x2f\xfd\x04\x00\r\n\r\n\x00"
    yield Oddity("zstd-magic", "begins like a zstd frame", zstd)
    yield Oddity(
        "gzip-magic", "begins like a gzip file", b"\x1f\x8b\x08\x00: x\r\n\r\nbody\r\n"
    )


def _headers() -> Iterator[Oddity]:
    yield Oddity(
        "no-message-id", "no Message-ID", HEADER + b"Subject: nameless\r\n\r\nbody\r\n"
    )
    for turn in (b"draft", b"sent"):
        yield Oddity(
            f"same-id-{turn.decode()}",
            "one Message-ID on different bodies",
            simple("same-id", turn + b"\r\n"),
        )
    yield Oddity(
        "two-ids", "two Message-IDs", simple("first", more=b"Message-ID: <second@odd>\r\n")
    )
    long_id = b"Message-ID: <" + b"x" * 15_000 + b"@odd>\r\n"
    yield Oddity("long-id", "a Message-ID of 15 kB", HEADER + long_id + b"\r\nbody\r\n")
    yield Oddity("no-header", "no header at all", b"\r\njust a body\r\n")
    yield Oddity(
        "no-colon", "header lines without a colon", b"what is this\r\n" + simple("no-colon")
    )
    yield Oddity(
        "mbox-first", "begins with an mbox separator", b"From ada Mon\r\n" + simple("mbox")
    )
    folded = b"Subject: a\r\n b\r\n\t c\r\n  \r\n d\r\n"
    yield Oddity(
        "folded", "folded subject with a line of blanks", HEADER + folded + b"\r\nbody\r\n"
    )
    many = b"".join(b"X-%d: %d\r\n" % (number, number) for number in range(5_000))
    yield Oddity("many-headers", "5,000 header fields", simple("many-headers", more=many))
    people = b",\r\n ".join(b"p%d@example.org" % number for number in range(3_000))
    yield Oddity(
        "many-people",
        "3,000 recipients",
        simple("many-people", more=b"Cc: " + people + b"\r\n"),
    )
    bomb = b"Subject: " + b"\r\n ".join([b"=?utf-8?q?" + b"=41" * 20 + b"?="] * 3_000) + b"\r\n"
    yield Oddity(
        "encoded-words", "3,000 encoded words in one field", HEADER + bomb + b"\r\nbody\r\n"
    )
    broken = (
        b"Subject: =?x-unknown?q?=zz?= =?utf-8?b?!!!?= =?utf-8?q?caf=C3?= =?utf-8?q?=A9?=\r\n"
    )
    yield Oddity(
        "broken-words", "encoded words, broken in four ways", HEADER + broken + b"\r\nbody\r\n"
    )
    quotes = b'From: "Ada \\" <x@y>, (comment (nested)" <ada@example.org\r\n\r\nbody\r\n'
    yield Oddity("broken-address", "an address that never closes", quotes)


def _dates() -> Iterator[Oddity]:
    for name, date in {
        "thur": b"Thur, 02 Jan 2006 15:04:05 GMT",
        "german": b"Mo, 02 Mai 2006 15:04:05 +0200",
        "no-year": b"Mon, 02 Jan 15:04:05 +0000",
        "year-0": b"Mon, 02 Jan 0000 00:00:00 +0000",
        "far-zone": b"Mon, 02 Jan 2006 15:04:05 +9999",
        "second-61": b"Mon, 02 Jan 2006 23:59:61 +0000",
        "empty": b"",
        "long": b"9" * 10_000,
    }.items():
        octets = b"From: a@example.org\r\nDate: %s\r\nSubject: %s\r\n\r\nbody\r\n"
        yield Oddity(f"date-{name}", "a date that is none", octets % (date, name.encode()))


def _structure() -> Iterator[Oddity]:
    yield Oddity("deep", "200 multiparts inside each other", _nested(200))
    parts = b"".join(b"--b\r\n\r\n%d\r\n" % number for number in range(5_000))
    mixed = b'Content-Type: multipart/mixed; boundary="b"\r\n'
    yield Oddity("wide", "5,000 parts", simple("wide", parts + b"--b--\r\n", mixed))
    yield Oddity(
        "unclosed", "a multipart that never ends", simple("unclosed", b"--b\r\n\r\nx", mixed)
    )
    no_boundary = b"Content-Type: multipart/mixed\r\n"
    yield Oddity(
        "no-boundary",
        "a multipart without boundary",
        simple("no-boundary", b"--\r\n", no_boundary),
    )
    prefixes = b"--b\r\n\r\nx\r\n--bb\r\n\r\ny\r\n--b--\r\n"
    yield Oddity(
        "prefix", "one boundary begins like another", simple("prefix", prefixes, mixed)
    )
    names = (
        b"Content-Disposition: inline; filename*0*=utf-8''%C3%9C;\r\n filename*1*=%20%E6.pdf",
        b'Content-Disposition: attachment; filename="=?utf-8?b?5pel5pys?=.pdf"',
        b'Content-Disposition: attachment; filename="../../etc/passwd"',
        b'Content-Disposition: attachment; filename="Gr\xfc\xdfe.pdf"',
        b"Content-Disposition: attachment; filename*=x-none''%ff%fe.pdf",
        b'Content-Type: application/pdf; name="' + b"n" * 5_000 + b'.pdf"',
    )
    body = b"".join(b"--b\r\n" + name + b"\r\n\r\nx\r\n" for name in names) + b"--b--\r\n"
    yield Oddity(
        "file-names", "names after RFC 2231, 2047 and neither", simple("names", body, mixed)
    )
    inner = simple("inner").replace(b"\r\n", b"\n")
    rfc822 = b"Content-Type: message/rfc822\r\n"
    yield Oddity(
        "inner-lf", "an attached message with bare LF", simple("inner-lf", inner, rfc822)
    )


def _base64() -> Iterator[Oddity]:
    octets = random.Random(7).randbytes(9_001)
    lined = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    text = base64.b64encode(octets)
    for name, why, body in (
        ("76", "lines of 76", lined),
        ("64", "lines of 64", _lines(text, 64)),
        ("1000", "lines of 1,000", _lines(text, 1_000)),
        ("one-line", "one line", text + b"\r\n"),
        ("lf", "bare LF between the lines", lined.replace(b"\r\n", b"\n")),
        ("no-end", "no line end after the last line", lined.rstrip()),
        ("no-padding", "padding left off", lined.rstrip().rstrip(b"=") + b"\r\n"),
        ("blanks", "a blank at every line's end", lined.replace(b"\r\n", b" \r\n")),
        ("ragged", "one line shorter than the others", lined[:760] + b"\r\n" + lined[760:]),
        ("noise", "characters outside the alphabet", lined[:500] + b"!*-_" + lined[500:]),
        ("twice", "two encodings one after the other", lined + lined),
        ("odd-bits", "spare bits that are not zero", _with_spare_bits(text)),
        ("footer", "text of a mailing list after the end", lined + b"\r\n-- \r\nlist\r\n"),
        ("empty", "nothing at all", b""),
    ):
        encoding = b"Content-Transfer-Encoding: base64\r\nContent-Type: image/png\r\n"
        yield Oddity(f"base64-{name}", why, simple(f"base64-{name}", body, encoding))


def _nested(depth: int) -> bytes:
    body = b"\r\ninnermost\r\n"
    for level in range(depth):
        boundary = b"b%d" % level
        kind = b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n'
        body = kind + b"\r\n--" + boundary + b"\r\n" + body + b"\r\n--" + boundary + b"--\r\n"
    return HEADER + b"Subject: deep\r\nMessage-ID: <deep@odd.invalid>\r\n" + body


def _lines(text: bytes, length: int) -> bytes:
    lines = (text[start : start + length] for start in range(0, len(text), length))
    return b"".join(line + b"\r\n" for line in lines)


def _with_spare_bits(text: bytes) -> bytes:
    """Encode one octet so that decoding and encoding again gives other characters."""
    return _lines(text[: 76 * 40], 76) + b"QR==\r\n"
