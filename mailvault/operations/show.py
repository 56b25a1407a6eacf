"""Show: one message for a person."""

from dataclasses import dataclass

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import MessageView
from mailvault.errors import MessageMissing
from mailvault.mail.model import Digest, Octets
from mailvault.operations.message_text import find_text

READ_LIMIT = 1 << 20
"""Octets of a message that are searched for its text."""


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """``text`` is None when there is none to show; ``note`` then says why."""

    view: MessageView
    text: str | None
    note: str | None = None


def show(archive: Archive, digest: Digest) -> ShownMessage:
    """Gather what the catalog knows of a message, and find its text.

    Raises:
        ArchiveError: its octets are missing or damaged.
    """
    view = archive.catalog.message(digest)
    if view is None:
        raise MessageMissing(f"the catalog holds no message {digest}")
    octets = archive.content.get(digest)
    try:
        text, note = find_text(_beginning(octets))
    finally:
        if not isinstance(octets, bytes):
            octets.discard()
    return ShownMessage(view, text, note)


def _beginning(octets: Octets) -> bytes:
    if isinstance(octets, bytes):
        return octets[:READ_LIMIT]
    beginning = bytearray()
    for chunk in octets.chunks():
        beginning += chunk
        if len(beginning) >= READ_LIMIT:
            break
    return bytes(beginning[:READ_LIMIT])
