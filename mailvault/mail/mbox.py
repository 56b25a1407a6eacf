r"""mbox in the variety called mboxrd, which gives back the very octets.

A message is a ``From `` line that ends in LF, the octets, and one LF. In the octets every line
``>*From `` gets one ``>`` more, and nothing else changes: line ends stay CRLF, LF or what
they are, and a message without a line end at its end, or without any octet, keeps that too.
To read one back: take what lies between two ``From `` lines, drop the last LF, and take one
``>`` from every line ``>+From ``. A line begins after a LF; a lone CR begins none.

An mbox holds neither flags nor keywords, except in fields of the messages: `with_status`
puts them before the first one, and only there. INTERNALDATE is kept to the second, in UTC.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import TypeAlias

from mailvault.mail.maildir import FORWARDED
from mailvault.mail.model import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN, Flags

# A pattern that begins with a plain line feed is searched much faster than one with "^".
_FIRST_FROM = re.compile(rb"(>*+)From ")
_LATER_FROM = re.compile(rb"(\n>*+)From ")
_FIRST_QUOTED = re.compile(rb">(>*+From )")
_LATER_QUOTED = re.compile(rb"\n>(>*+From )")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_Change: TypeAlias = Callable[[bytes], bytes]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_line(date: datetime | None) -> bytes:
    """The line before a message; the date is in the form of C's asctime, in UTC (RFC 4155)."""
    at = (date or _EPOCH).astimezone(UTC)
    day, month = _DAYS[at.weekday()], _MONTHS[at.month - 1]
    time = f"{at.hour:02}:{at.minute:02}:{at.second:02}"
    return f"From MAILER-DAEMON {day} {month} {at.day:2} {time} {at.year:04}\n".encode()


def quote(octets: bytes) -> bytes:
    """Give every ``From `` line one ``>`` more."""
    if b"From " not in octets:
        return octets
    octets = _quote_later(octets)
    return (
        _FIRST_FROM.sub(rb"\1>From ", octets, count=1) if _FIRST_FROM.match(octets) else octets
    )


def _quote_later(octets: bytes) -> bytes:
    return _LATER_FROM.sub(rb"\1>From ", octets)


def unquote(octets: bytes) -> bytes:
    """Take one ``>`` from every quoted ``From `` line: what `quote` did, undone."""
    if b">From " not in octets:
        return octets
    octets = _LATER_QUOTED.sub(rb"\n\1", octets)
    return octets[1:] if _FIRST_QUOTED.match(octets) else octets


def _unquote_later(octets: bytes) -> bytes:
    return _LATER_QUOTED.sub(rb"\n\1", octets) if b">From " in octets else octets


def quoted(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Quote a message that comes in pieces, wherever they are cut."""
    # The added ">" stands last of its run, so a run need not be kept.
    return _changed(chunks, quote, _quote_later, kept=0)


def unquoted(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Take back what `quoted` did, of a message that comes in pieces, wherever they are cut."""
    # Of a run of ">" the last one goes, so that only it has to be kept.
    return _changed(chunks, unquote, _unquote_later, kept=1)


def _changed(
    chunks: Iterable[bytes], at_start: _Change, later: _Change, *, kept: int
) -> Iterator[bytes]:
    """Change pieces; what is at the start of a line is kept if the next may complete it.

    That is the start of a ``From ``, with so many of the ``>`` before it.
    """
    starts_line = True  # whether only ">" has come since the last line feed
    held = b""
    for chunk in chunks:
        data = held + chunk
        line = data.rfind(b"\n") + 1
        last = data[line:].lstrip(b">")
        is_open = (line > 0 or starts_line) and last != b"From " and b"From ".startswith(last)
        quotes = len(data) - line - len(last)
        held = b">" * min(quotes, kept) + last if is_open else b""
        ready = data[: len(data) - len(held)]
        yield at_start(ready) if starts_line else later(ready)
        starts_line = is_open
    yield held


# mutt and Dovecot: https://doc.dovecot.org/2.3/admin_manual/mailbox_formats/mbox/
_X_STATUS = {ANSWERED: "A", FLAGGED: "F", DRAFT: "T", DELETED: "D"}
# Thunderbird: nsMsgMessageFlags.h
_MOZILLA = {SEEN: 0x1, ANSWERED: 0x2, FLAGGED: 0x4, DELETED: 0x8, FORWARDED: 0x1000}
_FIELD_CHARACTERS = re.compile(r"[\x21-\x7e]+")


def status_fields(flags: Flags, line_end: bytes) -> bytes:
    """Fields that tell mutt, Dovecot and Thunderbird of a message's flags and keywords."""
    letters = "".join(sorted(_X_STATUS[flag] for flag in flags if flag in _X_STATUS))
    number = sum(bit for flag, bit in _MOZILLA.items() if flag in flags)
    keywords = " ".join(
        sorted(flag for flag in flags if flag[0] != "\\" and _FIELD_CHARACTERS.fullmatch(flag))
    )
    fields = [
        ("Status", "RO" if SEEN in flags else "O"),
        ("X-Status", letters),
        ("X-Keywords", keywords),
        ("X-Mozilla-Status", f"{number:04x}"),
        ("X-Mozilla-Status2", "00000000"),
        ("X-Mozilla-Keys", keywords),
    ]
    return b"".join(f"{name}: {value}".encode() + line_end for name, value in fields if value)


def with_status(chunks: Iterable[bytes], flags: Flags) -> Iterator[bytes]:
    """Put `status_fields` before a message, with the line ends that it has itself."""
    pieces = iter(chunks)
    first = next(pieces, b"")
    line_end = first.find(b"\n")
    is_bare = line_end >= 0 and not first[:line_end].endswith(b"\r")
    yield status_fields(flags, b"\n" if is_bare else b"\r\n")
    yield from chain([first], pieces)
