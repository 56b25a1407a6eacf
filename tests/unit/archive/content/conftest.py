from collections.abc import Iterator
from pathlib import Path

import pytest

from mailvault.archive.content.sqlite import VOLUME_LIMIT, SqliteStore
from mailvault.archive.journal_mode import JournalMode
from tests.unit.archive.content.stored_mail import OpenStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "content"


@pytest.fixture
def open_store(folder: Path, tmp_path: Path) -> Iterator[OpenStore]:
    opened: list[SqliteStore] = []

    def open_store(
        *,
        archive_id: str = "a",
        volume_limit: int = VOLUME_LIMIT,
        journal: JournalMode | None = None,
    ) -> SqliteStore:
        store = SqliteStore(
            folder,
            archive_id=archive_id,
            tmp=tmp_path,
            volume_limit=volume_limit,
            journal=journal,
        )
        opened.append(store)
        return store

    yield open_store
    for store in opened:
        store.close()
