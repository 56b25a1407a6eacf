"""Mail to store, and a look at the volumes it went to."""

import base64
import random
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from mailvault.archive.content.sqlite import SqliteStore
from mailvault.archive.journal_mode import JournalMode
from mailvault.mail.model import Digest


class OpenStore(Protocol):
    """Opens the store of a test, as often as needed."""

    def __call__(
        self,
        *,
        archive_id: str = ...,
        volume_limit: int = ...,
        journal: JournalMode | None = ...,
    ) -> SqliteStore: ...


def random_octets(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def build_message(number: int, attachment: bytes = b"") -> bytes:
    choose = random.Random(number)
    words = " ".join(choose.choice(WORDS) for _ in range(100))
    message = f"Subject: message {number}\r\n\r\n{words}\r\n".encode()
    if not attachment:
        return message
    head = b"--x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return message + head + base64.encodebytes(attachment) + b"--x--\r\n"


WORDS = [random.Random(n).randbytes(4).hex() for n in range(500)]


def store_all(store: SqliteStore, messages: Iterable[bytes]) -> list[Digest]:
    digests = []
    for message in messages:
        prepared = store.prepare(message)
        store.put(prepared)
        digests.append(prepared.digest)
    store.commit()
    return digests


def volumes(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.db"))


def kinds(store: SqliteStore) -> set[str]:
    return {finding.kind for finding in store.check()}


def execute(path: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows, of which only the statement knows what is in them."""
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()
