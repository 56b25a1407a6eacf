from pathlib import Path

import pytest

from mailvault.archive.content.sqlite import SqliteStore


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "content"


@pytest.fixture
def open_store(folder, tmp_path):
    """Open the store, as often as needed."""
    opened = []

    def open_store(**settings) -> SqliteStore:
        settings = {"archive_id": "a", "tmp": tmp_path, **settings}
        opened.append(SqliteStore(folder, **settings))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()
