"""Making messages ready to be stored: in this process, or in others where they are many."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from mailvault.archive.header_index import HeaderIndex, index_message
from mailvault.errors import MailvaultError
from mailvault.housekeeping import PREPARING
from mailvault.mail.model import Octets
from mailvault.ports import ContentStore, Prepared

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that can be stored, and what the catalog will keep of its header.

    ``index`` is None for a message that the store held already.
    """

    prepared: Prepared
    index: HeaderIndex | None


@dataclass(frozen=True, slots=True)
class Choked:
    """A message that our own code could not take: it must not stop the others."""

    error: str

    @property
    def reason(self) -> str:
        return f"mailvault could not store it: {self.error}"


def ready(prepared: Prepared) -> Ready:
    """A message that the store of this process has prepared."""
    outline = prepared.outline
    return Ready(prepared, None if outline is None else index_message(prepared.digest, outline))


Outcome: TypeAlias = Ready | Choked


class Readying(Protocol):
    """What makes messages ready, several at a time."""

    def submit(self, messages: Sequence[Octets]) -> "Future[list[Outcome]]":
        """Hash, compress and index messages. The result raises what concerns the archive."""
        ...

    def close(self) -> None:
        """Forget what was not begun, and wait for what was. Idempotent."""
        ...


class Here:
    """Makes messages ready in threads of this process."""

    def __init__(self, content: ContentStore) -> None:
        self._content = content
        self._threads = ThreadPoolExecutor(PREPARING, "prepare")

    def submit(self, messages: Sequence[Octets]) -> "Future[list[Outcome]]":
        return self._threads.submit(self.ready, messages)

    def ready(self, messages: Sequence[Octets]) -> list[Outcome]:
        return [self._ready(each) for each in messages]

    def _ready(self, octets: Octets) -> Outcome:
        try:
            prepared = self._content.prepare(octets)
        except (MailvaultError, OSError):
            raise
        except Exception as error:
            log.exception("a message could not be prepared")
            return Choked(repr(error))
        return ready(prepared)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a run may choose from; ``for_many`` is worth its start where there is much mail."""

    here: Readying
    for_many: Callable[[], Readying]
