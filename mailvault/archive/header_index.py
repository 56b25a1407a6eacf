"""What the catalog keeps of a message: read from its outline after the octets are safe."""

import logging
from dataclasses import dataclass
from typing import TypeAlias

from mailvault.archive.catalog.words import storable
from mailvault.archive.instants import to_seconds
from mailvault.mail.envelope import parse_envelope
from mailvault.mail.model import Digest
from mailvault.mail.outline import Outline
from mailvault.mail.parts import Attachment, attachments

ADDRESSES_LIMIT = 200

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeaderIndex:
    """Fields to list and search by; all of them empty for what cannot be read as mail."""

    message_id: str | None = None
    date: int | None = None
    sender: str | None = None
    recipients: str | None = None
    copies: str | None = None
    subject: str | None = None
    attachments: tuple[Attachment, ...] = ()


NOTHING = HeaderIndex()


def index_message(digest: Digest, outline: Outline) -> HeaderIndex:
    """Read the fields. A message that defeats the readers costs its own fields only."""
    try:
        return _read(outline)
    except Exception:
        log.exception("%s: its header could not be indexed", digest)
        return NOTHING


def _read(outline: Outline) -> HeaderIndex:
    envelope = parse_envelope(outline.text)
    return HeaderIndex(
        message_id=storable(envelope.message_id),
        date=None if envelope.date is None else to_seconds(envelope.date),
        sender=storable(envelope.from_),
        recipients=_shortened(storable(envelope.to)),
        copies=_shortened(storable(envelope.cc)),
        subject=storable(envelope.subject),
        attachments=tuple(attachments(outline)),
    )


def _shortened(addresses: str | None) -> str | None:
    """A message to a thousand people must not cost as much here as in the store."""
    if addresses is None or len(addresses) <= ADDRESSES_LIMIT:
        return addresses
    return addresses[:ADDRESSES_LIMIT] + "\N{HORIZONTAL ELLIPSIS}"


Text: TypeAlias = str | None
Fields: TypeAlias = tuple[
    Text, int | None, Text, Text, Text, Text, tuple[tuple[Text, str, int], ...]
]


def fields_of(index: HeaderIndex) -> Fields:
    """The index as plain values, to be handed to another process."""
    parts = tuple((each.name, each.content_type, each.size) for each in index.attachments)
    return (
        index.message_id,
        index.date,
        index.sender,
        index.recipients,
        index.copies,
        index.subject,
        parts,
    )


def index_of(fields: Fields) -> HeaderIndex:
    message_id, date, sender, recipients, copies, subject, parts = fields
    return HeaderIndex(
        message_id,
        date,
        sender,
        recipients,
        copies,
        subject,
        tuple(Attachment(*part) for part in parts),
    )
