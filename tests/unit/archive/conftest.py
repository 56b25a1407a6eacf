"""Archives to try things on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from tests.unit.archive.builders import Work, create


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an archive may be made."""
    return tmp_path / "archive"


@pytest.fixture
def archive(folder: Path) -> Iterator[Archive]:
    """A new archive, open for writing."""
    with create(folder) as archive:
        yield archive


@pytest.fixture
def work(archive: Archive) -> Work:
    """An account with one mailbox in that archive."""
    return Work(archive)
