"""Makes many messages ready in other processes, because Python runs one thread at a time."""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from mailvault.archive.codec import FRAME_LIMIT
from mailvault.archive.content.sqlite import SqliteStore
from mailvault.archive.content.workers import Workers
from mailvault.archive.header_index import index_of
from mailvault.archive.readying import Choked, Here, Outcome, Ready, Readying
from mailvault.mail.model import Octets, octet_count
from mailvault.ports import ContentStore


def elsewhere(content: ContentStore, here: Here) -> Readying:
    """Start the processes, where the store has such and there are processors for them."""
    if not isinstance(content, SqliteStore) or (os.cpu_count() or 1) < 2 or not sys.executable:
        return here
    return Elsewhere(content.workers(), here)


class Elsewhere:
    """Hands messages over. What is too big to be held in memory stays here."""

    def __init__(self, workers: Workers, here: Here) -> None:
        self._workers = workers
        self._here = here
        self._threads = ThreadPoolExecutor(workers.lanes, "prepare")

    def submit(self, messages: Sequence[Octets]) -> "Future[list[Outcome]]":
        return self._threads.submit(self.ready, messages)

    def ready(self, messages: Sequence[Octets]) -> list[Outcome]:
        if any(octet_count(each) > FRAME_LIMIT for each in messages):
            return self._here.ready(messages)
        replies = self._workers.prepare([_in_memory(each) for each in messages])
        return [
            Choked(each)
            if isinstance(each, str)
            else Ready(each.message, None if each.index is None else index_of(each.index))
            for each in replies
        ]

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._workers.close()


def _in_memory(octets: Octets) -> bytes:
    return octets if isinstance(octets, bytes) else b"".join(octets.chunks())
