"""Archives to try things on."""

import os
import shutil
import subprocess
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
def store() -> str:
    """The kind of content store; a test module may ask for every kind."""
    return "sqlite"


@pytest.fixture
def archive(folder: Path, store: str) -> Iterator[Archive]:
    """A new archive, open for writing."""
    with create(folder, store) as archive:
        yield archive


@pytest.fixture
def work(archive: Archive) -> Work:
    """An account with one mailbox in that archive."""
    return Work(archive)


@pytest.fixture
def strace() -> str:
    """A strace that may trace. Without one the tests say so; in CI they fail."""
    program = shutil.which("strace")
    if (
        program
        and subprocess.run([program, "-o", "/dev/null", "true"], check=False).returncode == 0
    ):
        return program
    if os.environ.get("CI") == "true":
        pytest.fail("strace is missing or not permitted")
    pytest.skip("needs strace: apt-get install strace")
