"""An archive to try operations on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from tests.unit.archive.builders import create


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """A new archive, open for writing."""
    with create(tmp_path / "archive") as archive:
        yield archive
