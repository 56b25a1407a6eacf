"""What a message's header says of it: for lists and searches, never for its identity."""

from dataclasses import dataclass
from datetime import datetime

from mailvault.mail import charsets
from mailvault.mail.dates import parse_date
from mailvault.mail.headers import clean, decode_field, field_finder, unfold

MESSAGE_ID_LIMIT = 998  # the longest line there is: RFC 5322 2.1.1

_fields = field_finder("message-id|date|subject|from|to|cc|reply-to")


@dataclass(frozen=True, slots=True)
class Envelope:
    """Header fields as clean text of at most 1,000 characters; None where there is none.

    ``message_id`` is the field's text, unfolded and otherwise as it stands. ``date`` is in
    UTC, and None if the field is not a date by RFC 5322.
    """

    message_id: str | None = None
    date: datetime | None = None
    subject: str | None = None
    from_: str | None = None
    to: str | None = None
    cc: str | None = None
    reply_to: str | None = None


def parse_envelope(octets: bytes) -> Envelope:
    """Read the header of a message, or a message from its start. Never raises.

    Of a field that stands twice the first counts, but recipients are gathered.
    """
    fields: dict[bytes, bytes] = {}
    for name, value in _fields(octets):
        name = name.lower()
        if name not in fields:
            fields[name] = value
        elif name in {b"to", b"cc"} and len(fields[name]) < 2000:
            fields[name] = fields[name].rstrip() + b", " + value.strip()
    date = fields.get(b"date")
    return Envelope(
        message_id=_message_id(fields.get(b"message-id")),
        date=None if date is None else parse_date(_plain(date)),
        subject=_text(fields.get(b"subject")),
        from_=_text(fields.get(b"from")),
        to=_text(fields.get(b"to")),
        cc=_text(fields.get(b"cc")),
        reply_to=_text(fields.get(b"reply-to")),
    )


def _text(raw: bytes | None) -> str | None:
    return (decode_field(raw) or None) if raw is not None else None


def _message_id(raw: bytes | None) -> str | None:
    return (_plain(raw)[:MESSAGE_ID_LIMIT] or None) if raw is not None else None


def _plain(raw: bytes) -> str:
    return clean(charsets.decode(unfold(raw))).strip()
