"""Octets on their way out of a store: hashed before anyone sees them."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from mailvault.archive.content.spool import CHUNK, Spool
from mailvault.errors import ArchiveDamaged
from mailvault.mail.model import Digest, Octets


def gathered(digest: Digest, chunks: Iterable[bytes], tmp: Path | None) -> Octets:
    """Collect a message: in memory up to 1 MiB, else in a temporary file.

    Raises:
        ArchiveDamaged: it is another message.
    """
    hasher = hashlib.sha256()
    held: list[bytes] = []
    size = 0
    spool: Spool | None = None
    for chunk in chunks:
        hasher.update(chunk)
        size += len(chunk)
        held.append(chunk)
        if size > CHUNK:
            spool = spool or Spool(tmp)
            for each in held:
                spool.write(each)
            held.clear()
    _prove(digest, hasher.digest())
    return b"".join(held) if spool is None else spool


def proven(digest: Digest, chunks: Iterable[bytes]) -> int:
    """Hash a message; return its octets. Raises as `gathered` does."""
    hasher = hashlib.sha256()
    size = 0
    for chunk in chunks:
        hasher.update(chunk)
        size += len(chunk)
    _prove(digest, hasher.digest())
    return size


def damaged(digest: Digest, reason: object) -> ArchiveDamaged:
    return ArchiveDamaged(
        f"message {digest} is damaged: {reason}",
        hint="fetch it again with: mailvault repair",
    )


def _prove(digest: Digest, actual: bytes) -> None:
    if actual != digest.value:
        raise damaged(digest, "its octets have another digest")
