"""Archives to try things on."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from tests.unit.archive.builders import Work, create
from tests.unit.archive.lived import live


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


@pytest.fixture(scope="session")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives an archive with a history for each store, made once. Not to be opened."""

    @cache
    def made(store: str) -> Path:
        path = tmp_path_factory.mktemp("lived") / store
        with create(path, store) as archive:
            live(archive)
        return path

    return made


@pytest.fixture
def lived(folder: Path, store: str, lives: Callable[[str], Path]) -> Path:
    """An archive with a history, closed; a copy with the hard links inside it."""
    subprocess.run(["cp", "-a", lives(store), folder], check=True)
    return folder


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
