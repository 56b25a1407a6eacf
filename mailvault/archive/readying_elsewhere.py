"""Makes many messages ready in other processes, because Python runs one thread at a time."""

import logging
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from mailvault.archive.codec import FRAME_LIMIT
from mailvault.archive.content.sqlite import SqliteStore
from mailvault.archive.content.workers import WorkerLost, Workers
from mailvault.archive.header_index import index_of
from mailvault.archive.readying import Choked, Here, Outcome, Ready, Readying
from mailvault.housekeeping import processors
from mailvault.mail.model import Octets, octet_count
from mailvault.ports import ContentStore

log = logging.getLogger(__name__)


def elsewhere(content: ContentStore, here: Here) -> Readying:
    """Start the processes, where the store has such and there are processors for them."""
    if not isinstance(content, SqliteStore) or processors() < 2 or not sys.executable:
        return here
    try:
        return Elsewhere(content.workers(), here)
    except OSError as error:
        log.warning("no process can be started to prepare mail, so this one does: %s", error)
        return here


class Elsewhere:
    """Hands messages over. What is too big to be held in memory stays here.

    When a process is lost, as the system kills some where memory is short, all stays here.
    """

    def __init__(self, workers: Workers, here: Here) -> None:
        self._workers = workers
        self._here = here
        self._is_alone = False
        self._threads = ThreadPoolExecutor(workers.lanes, "prepare")

    def submit(self, messages: Sequence[Octets]) -> "Future[list[Outcome]]":
        return self._threads.submit(self.ready, messages)

    def ready(self, messages: Sequence[Octets]) -> list[Outcome]:
        if self._is_alone or any(octet_count(each) > FRAME_LIMIT for each in messages):
            return self._here.ready(messages)
        try:
            replies = self._workers.prepare([_in_memory(each) for each in messages])
        except WorkerLost as lost:
            if not self._is_alone:
                log.warning("%s; this one goes on alone", lost)
            self._is_alone = True
            return self._here.ready(messages)
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
