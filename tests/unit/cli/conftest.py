"""A configured folder, and the demonstration server for an account of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailvault.demo.sample import build_sample
from mailvault.demo.server import DemoServer
from tests.unit.cli.importing import mbox
from tests.unit.cli.program import Setting
from tests.unit.cli.sample import account_lines, archived_sample


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    setting = Setting(tmp_path)
    setting.configure()
    return setting


@pytest.fixture
def vault(setting: Setting) -> Setting:
    setting.run("init")
    return setting


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    folder = tmp_path / "mail"
    folder.mkdir()
    (folder / "Work.mbox").write_bytes(mbox(1, 2, 3))
    (folder / "Inbox").write_bytes(mbox(3, 4))
    (folder / "notes.txt").write_text("nothing")
    return folder


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer(build_sample()) as server:
        yield server


@pytest.fixture
def account(server: DemoServer) -> str:
    """The lines that configure the demonstration server's account."""
    return account_lines(server)


@pytest.fixture(scope="module")
def level(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """An archive after two runs, between which mail came, changed and went."""
    with archived_sample(tmp_path_factory.mktemp("level")) as setting:
        yield setting
