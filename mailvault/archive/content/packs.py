"""Keeps the packs read last, so that neighbours are read from the disk once."""

import threading
from collections import OrderedDict

PACK_SIZE = 512 << 10
"""Octets at which a pack is full. The last frame may take it beyond."""

_CACHED = 8 << 20

PackKey = tuple[int, int]
"""The numbers of a volume and of a pack in it."""


class PackCache:
    """A few packs in memory, for all volumes and threads."""

    longest = 2 * PACK_SIZE
    """Longer packs hold single large frames and are not worth keeping."""

    def __init__(self, limit: int = _CACHED) -> None:
        self._limit = limit
        self._held = 0
        self._packs: OrderedDict[PackKey, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: PackKey) -> bytes | None:
        with self._lock:
            pack = self._packs.get(key)
            if pack is not None:
                self._packs.move_to_end(key)
            return pack

    def put(self, key: PackKey, pack: bytes) -> None:
        with self._lock:
            if key in self._packs:
                return
            self._packs[key] = pack
            self._held += len(pack)
            while self._held > self._limit:
                self._held -= len(self._packs.popitem(last=False)[1])

    def drop(self, volume: int) -> None:
        """Forget the packs of one volume."""
        with self._lock:
            for key in [each for each in self._packs if each[0] == volume]:
                self._held -= len(self._packs.pop(key))

    def clear(self) -> None:
        with self._lock:
            self._packs.clear()
            self._held = 0
