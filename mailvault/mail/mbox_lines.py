r"""The lines between the messages of an mbox: which line is one, and when it says.

RFC 4155 wants an address and the date in the form of C's asctime; what programs write differs.
As in mutt and Dovecot, a ``From `` line with a readable date ends a message, after an empty
line or not. Newer Thunderbirds write nothing but ``From ``, which counts after an empty line.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from mailvault.mail.dates import parse_date

LONGEST_LINE = 4096
"""Octets; what is longer lies between no messages."""

_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_TIME = rb"\d{1,2}:\d\d(?::\d\d)?"
_ZONE = rb"[+-]\d{4}|[A-Z]{1,6}(?:[ \t]DST)?"
_BEFORE = rb"From (?:[^\n]{0,2000}?[ \t])??(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?[ \t]+"

_ASCTIME = re.compile(
    _BEFORE
    + rb"(?P<month>%b)[ \t]+(?P<day>\d{1,2})[ \t]+(?P<time>%b)" % (_MONTH, _TIME)
    + rb"(?:[ \t]+(?P<zone>%b))?[ \t]+(?P<year>\d{4})" % _ZONE
    + rb"(?:[ \t]+(?P<last>%b))?(?:[ \t]+remote from [^\n]*)?[ \t]*\r?\n?" % _ZONE,
    re.IGNORECASE,
)
_DAY_FIRST = re.compile(
    _BEFORE
    + rb"(?P<day>\d{1,2})[ -](?P<month>%b)[ -](?P<year>\d{4})" % _MONTH
    + rb"[ \t]+(?P<time>%b)(?:[ \t]+(?P<zone>%b))?(?P<last>)[ \t]*\r?\n?" % (_TIME, _ZONE),
    re.IGNORECASE,
)
_BARE = re.compile(rb"From -?[ \t]*\r?\n?")
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|>From ")


@dataclass(frozen=True, slots=True)
class FromLine:
    """A line between two messages. A time without a zone is UTC, as RFC 4155 says."""

    date: datetime | None


def read_from_line(line: bytes) -> FromLine | None:
    """Read a line that begins with ``From `` and has a weekday and a date; else None."""
    match = _ASCTIME.fullmatch(line) or _DAY_FIRST.fullmatch(line)
    if match is None:
        return None
    zone = (match["last"] or match["zone"] or b"+0000").split()[0]
    words = b" ".join((match["day"], match["month"], match["year"], match["time"], zone))
    return FromLine(parse_date(words.decode("ascii")))


def is_bare(line: bytes) -> bool:
    """Whether the line is nothing but ``From ``, or ``From -``."""
    return _BARE.fullmatch(line) is not None


def begins_field(line: bytes) -> bool:
    """Whether a line looks like the first one of a header."""
    return _FIELD.match(line) is not None
