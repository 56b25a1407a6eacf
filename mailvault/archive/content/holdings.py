"""What a store already has, so that it need not be prepared again."""

import threading
from collections.abc import Iterable
from enum import Enum

from mailvault.archive.content.digest_filter import DigestFilter
from mailvault.archive.content.reading import Reader
from mailvault.archive.content.volumes import Volumes
from mailvault.errors import ArchiveDamaged, MessageMissing
from mailvault.mail.model import Digest

_PROVEN_LIMIT = 100_000


class Held(Enum):
    """Whether the store has an object already."""

    ABSENT = "absent"
    SOUND = "sound"
    DAMAGED = "damaged"


class Holdings:
    """Objects in the volumes. One is believed once it was read back, or was just written."""

    def __init__(self, volumes: Volumes, reader: Reader) -> None:
        self._volumes = volumes
        self._reader = reader
        self._lock = threading.RLock()
        self._filter: DigestFilter | None = None
        self._proven: set[bytes] = set()

    def held(self, digest: bytes) -> Held:
        """Whether the store has an object, read back once in the life of the process."""
        if digest in self._proven:
            return Held.SOUND
        if not self.may_hold(digest):
            return Held.ABSENT
        try:
            self._reader.prove(Digest(digest))
        except MessageMissing:
            return Held.ABSENT
        except ArchiveDamaged:
            return Held.DAMAGED
        self.believe({digest})
        return Held.SOUND

    def may_hold(self, digest: bytes) -> bool:
        """Whether the volumes may have an object: False is certain."""
        held = self._filter
        if held is None:
            with self._lock:
                held = self._filter
                if held is None:
                    held = self._filter = DigestFilter(self._volumes.all_digests())
        return held.may_hold(digest)

    def committed(self, digests: set[bytes]) -> None:
        """They lie in the volumes now."""
        if self._filter is not None:
            self._filter.update(digests)
        self.believe(digests)

    def believe(self, digests: Iterable[bytes]) -> None:
        """They were read back, or written by this very run."""
        with self._lock:
            if len(self._proven) > _PROVEN_LIMIT:
                self._proven = set()
            self._proven.update(digests)

    def distrust(self) -> None:
        """What was known of the volumes holds no more."""
        with self._lock:
            self._filter = None
            self._proven = set()

    def doubt(self) -> None:
        """Of several volumes, the first may have been committed: look anew."""
        with self._lock:
            self._filter = None
