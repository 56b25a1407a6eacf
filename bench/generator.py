"""Makes mailboxes like those people have, from a seed: the same seed gives the same octets."""

import base64
import random
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bench.words import Prose

CRLF = "\r\n"
START = datetime(2012, 1, 2, 7, 30, tzinfo=UTC)
MAILBOXES = (
    ("INBOX", 30),
    ("Sent", 10),
    ("Lists/build", 22),
    ("Lists/users", 14),
    ("Archive/2012", 8),
    ("Archive/2013", 8),
    ("Notices", 6),
    ("Projekte/Brücke", 2),
)
FLAG_SETS = (
    (),
    ("\\Seen",),
    ("\\Seen", "\\Answered"),
    ("\\Seen", "\\Flagged"),
    ("\\Seen", "$Forwarded"),
)
KEPT_THREADS = 40
KEPT_FILES = 400


@dataclass(frozen=True, slots=True)
class GeneratedMail:
    """A message and where it lies."""

    mailbox: str
    octets: bytes
    flags: frozenset[str]
    internal_date: datetime


@dataclass(slots=True)
class _Sender:
    address: str
    signature: str
    picture: bytes | None
    key: str
    hosts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    content_type: str
    content: bytes


class MailGenerator:
    """Letters of three kinds: list mail with quoting, HTML notices, and letters with files."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._prose = Prose(self._chance)
        self._senders = [self._sender(number) for number in range(180)]
        self._templates = [self._template() for _ in range(12)]
        self._files: deque[_File] = deque(maxlen=KEPT_FILES)
        self._threads: deque[tuple[str, str, list[str]]] = deque(maxlen=KEPT_THREADS)
        self._date = START

    def mail(self, count: int) -> Iterator[GeneratedMail]:
        """Make messages one by one, oldest first; some of them lie in two mailboxes."""
        names = [name for name, _ in MAILBOXES]
        weights = [weight for _, weight in MAILBOXES]
        made = 0
        while made < count:
            mailbox = self._chance.choices(names, weights)[0]
            octets = self._message(mailbox)
            places = [mailbox]
            if self._chance.random() < 0.05:
                places.append("Archive/2012" if mailbox != "Archive/2012" else "INBOX")
            for place in places[: count - made]:
                made += 1
                flags = frozenset(self._chance.choices(FLAG_SETS, (2, 6, 2, 1, 1))[0])
                yield GeneratedMail(place, octets, flags, self._date)

    def _message(self, mailbox: str) -> bytes:
        self._date += timedelta(seconds=self._chance.randrange(60, 40_000))
        sender = self._chance.choice(self._senders)
        if mailbox.startswith("Lists/"):
            return self._list_mail(sender, mailbox)
        if mailbox == "Notices" or self._chance.random() < 0.15:
            return self._notice(sender)
        return self._letter(sender)

    # The three kinds

    def _list_mail(self, sender: _Sender, mailbox: str) -> bytes:
        """Plain text that quotes what it answers, with the list's own header and footer."""
        if self._threads and self._chance.random() < 0.72:
            subject, parent, quoted = self._chance.choice(self._threads)
            start = self._chance.randrange(max(1, len(quoted) // 2))
            lines = [f"> {line}" for line in quoted[start : start + 60]]
            lines += ["", *self._prose.text(self._size(1_700, 0.9))]
        else:
            subject, parent = f"[{mailbox[6:]}] {self._prose.title()}", ""
            lines = self._prose.text(self._size(4_500, 1.0))
            if self._chance.random() < 0.3:
                lines += ["", *self._code(self._size(9_000, 1.0))]
        lines += ["", "-- ", *sender.signature.split("\n")]
        message_id = self._message_id(sender)
        self._threads.append((subject, message_id, lines))
        footer = ["_" * 47, f"{mailbox[6:]} mailing list", f"{mailbox[6:]}@lists.example.org"]
        extra = [
            f"List-Id: <{mailbox[6:]}.lists.example.org>",
            f"List-Unsubscribe: <mailto:{mailbox[6:]}-request@lists.example.org>",
            "Precedence: list",
            "Errors-To: bounces@lists.example.org",
        ]
        if parent:
            extra += [f"In-Reply-To: {parent}", f"References: {parent}"]
        header = self._header(
            sender, f"Re: {subject}" if parent else subject, message_id, extra
        )
        return _single("text/plain; charset=us-ascii", header, [*lines, *footer])

    def _notice(self, sender: _Sender) -> bytes:
        """Plain text and HTML made from it in a sender's unchanging template."""
        template, style = self._chance.choice(self._templates)
        text = self._prose.text(self._size(5_000, 0.8))
        rows = [template.replace("TEXT", line) for line in text if line]
        html = [style, *rows, "</table></body></html>"]
        boundary = self._boundary()
        message_id = self._message_id(sender)
        header = self._header(sender, self._prose.title(), message_id, [])
        parts = [
            ("text/plain; charset=utf-8", "7bit", CRLF.join(text)),
            ("text/html; charset=utf-8", "quoted-printable", _quoted_printable(html)),
        ]
        return _multipart("alternative", boundary, header, parts)

    def _letter(self, sender: _Sender) -> bytes:
        """A letter from one person to another; every second one carries files."""
        lines = [*self._prose.text(self._size(2_500, 1.0)), "", *sender.signature.split("\n")]
        header = self._header(sender, self._prose.title(), self._message_id(sender), [])
        files = [_File("logo.png", "image/png", sender.picture)] if sender.picture else []
        if self._chance.random() < 0.17:
            files += [
                self._file() for _ in range(self._chance.choices((1, 2, 4), (7, 2, 1))[0])
            ]
        if not files:
            return _single("text/plain; charset=utf-8", header, lines)
        parts = [("text/plain; charset=utf-8", "7bit", CRLF.join(lines))]
        parts += [
            (f'{file.content_type}; name="{file.name}"', "base64", _base64(file.content))
            for file in files
        ]
        return _multipart("mixed", self._boundary(), header, parts)

    # What they are made of

    def _header(
        self, sender: _Sender, subject: str, message_id: str, extra: list[str]
    ) -> list[str]:
        date = self._date.strftime("%a, %d %b %Y %H:%M:%S +0000")
        lines = ["Return-Path: <" + sender.address.partition("<")[2]]
        for host, previous in zip(sender.hosts, [*sender.hosts[1:], "localhost"], strict=True):
            unique = f"{self._chance.getrandbits(56):014X}"
            lines += [f"Received: from {previous} ({previous} [192.0.2.{len(host)}])",
                      f"\tby {host} (Postfix) with ESMTPS id {unique}",
                      f"\tfor <nora@example.org>; {date}"]  # fmt: skip
        signature = base64.b64encode(self._chance.randbytes(256)).decode()
        digest = base64.b64encode(self._chance.randbytes(32)).decode()
        lines += [
            f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={sender.hosts[-1]};",
            f"\ts={sender.key}; h=from:to:subject:date:message-id; bh={digest};",
            *(
                f"\t{'b=' if not at else ''}{signature[at : at + 70]}"
                for at in range(0, 344, 70)
            ),
            f"Date: {date}",
            f"From: {sender.address}",
            "To: Nora Lindqvist <nora@example.org>",
            f"Subject: {subject}",
            f"Message-ID: {message_id}",
            *extra,
            "MIME-Version: 1.0",
        ]
        return lines

    def _sender(self, number: int) -> _Sender:
        name = self._prose.name()
        host = f"{self._prose.name().split()[0].lower()}.example"
        closing = self._prose.text(160)[:4]
        has_picture = self._chance.random() < 0.15
        return _Sender(
            address=f"{name} <{name.replace(' ', '.').lower()}{number}@{host}>",
            signature="\n".join([name, *closing]),
            picture=self._chance.randbytes(self._chance.randrange(4_000, 30_000))
            if has_picture
            else None,
            key=f"key{self._chance.randrange(10_000)}",
            hosts=["mx.example.org", f"relay{self._chance.randrange(9)}.example.net", host],
        )

    def _template(self) -> tuple[str, str]:
        colour = f"#{self._chance.getrandbits(24):06x}"
        row = (
            f'<tr><td style="padding: 0 12px; font: 14px/20px Arial; color: {colour}" '
            f'align="left" valign="top">TEXT</td></tr>'
        )
        rules = [
            f".c{number} {{ margin: {self._chance.randrange(40)}px; color: {colour}; "
            f"background: #{self._chance.getrandbits(24):06x} }}"
            for number in range(self._chance.randrange(20, 120))
        ]
        style = "<html><head><style>" + CRLF.join(rules) + "</style></head><body><table>"
        return row, style

    def _code(self, octets: int) -> list[str]:
        """A patch: indented, repetitive, with hashes in it."""
        lines = [
            f"index {self._chance.getrandbits(48):012x}..{self._chance.getrandbits(48):012x}"
        ]
        for line in self._prose.text(octets):
            mark = self._chance.choice(" +-")
            words = line.lower().replace(".", "").split()[:6]
            lines.append(f"{mark}{' ' * 4 * self._chance.randrange(4)}{'_'.join(words[:3])}"
                         f"({', '.join(words[3:])});")  # fmt: skip
        return lines

    def _file(self) -> _File:
        """An attachment; one in six was sent before."""
        if self._files and self._chance.random() < 0.17:
            return self._chance.choice(self._files)
        number = self._chance.randrange(10_000)
        size = min(self._size(62_000, 1.2), 12_000_000)
        kind = self._chance.choices(("jpeg", "pdf", "office", "text"), (36, 32, 12, 20))[0]
        if kind == "jpeg":
            file = _File(f"IMG_{number}.jpg", "image/jpeg", self._chance.randbytes(size))
        elif kind == "office":
            file = _File(
                f"report-{number}.docx", "application/octet-stream", self._office(size)
            )
        elif kind == "pdf":
            file = _File(f"paper-{number}.pdf", "application/pdf", self._pdf(size))
        else:
            text = CRLF.join(self._prose.text(size)).encode("ascii")
            file = _File(f"data-{number}.csv", "text/csv", text)
        self._files.append(file)
        return file

    def _pdf(self, size: int) -> bytes:
        """Streams that are compressed already between objects that are not: half and half."""
        pieces = [b"%PDF-1.5\n"]
        made = 0
        while made < size:
            stream = self._chance.randbytes(min(6_000, size))
            objects = b"".join(
                b"%d 0 obj\n<< /Type /Page /Parent %d 0 R /Contents %d 0 R >>\nendobj\n"
                % (number, number // 7, self._chance.randrange(4_000))
                for number in range(min(90, size // 60 + 1))
            )
            pieces += [b"stream\n", stream, b"\nendstream\n", objects]
            made += len(stream) + len(objects)
        return b"".join(pieces)[:size]

    def _office(self, size: int) -> bytes:
        """Deflated text and a little plain structure, as in a zip of XML."""
        text = CRLF.join(self._prose.text(min(size * 3, 400_000))).encode("ascii")
        packed = zlib.compress(text, 6)
        return (b"PK\x03\x04" + packed + self._chance.randbytes(max(0, size - len(packed))))[
            :size
        ]

    def _size(self, median: int, sigma: float) -> int:
        """A size as mail has them: lognormal, a few very large."""
        return int(median * self._chance.lognormvariate(0, sigma)) + 40

    def _message_id(self, sender: _Sender) -> str:
        return (
            f"<{self._date:%Y%m%d%H%M%S}.{self._chance.getrandbits(64):x}@{sender.hosts[-1]}>"
        )

    def _boundary(self) -> str:
        return f"=_{self._chance.getrandbits(80):020x}"


def _single(content_type: str, header: list[str], lines: list[str]) -> bytes:
    header = [*header, f"Content-Type: {content_type}", "Content-Transfer-Encoding: 7bit"]
    return CRLF.join([*header, "", *lines, ""]).encode("utf-8")


def _multipart(
    subtype: str, boundary: str, header: list[str], parts: list[tuple[str, str, str]]
) -> bytes:
    pieces = [*header, f'Content-Type: multipart/{subtype}; boundary="{boundary}"', ""]
    for content_type, encoding, body in parts:
        pieces += [f"--{boundary}", f"Content-Type: {content_type}",
                   f"Content-Transfer-Encoding: {encoding}", "", body]  # fmt: skip
    return CRLF.join([*pieces, f"--{boundary}--", ""]).encode("utf-8")


def _base64(content: bytes) -> str:
    return base64.encodebytes(content).decode("ascii").replace("\n", CRLF)


def _quoted_printable(lines: list[str]) -> str:
    """Soft line breaks and ``=3D``, as quoted-printable HTML is full of."""
    text = CRLF.join(lines).replace("=", "=3D")
    return CRLF.join(
        (f"={CRLF}").join(line[at : at + 74] for at in range(0, max(1, len(line)), 74))
        for line in text.split(CRLF)
    )
