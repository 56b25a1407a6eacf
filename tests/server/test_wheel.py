"""What is published works by itself: built, installed elsewhere, and used."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.corpus.ordinary import generate
from tests.server.accounts import append_all, read
from tests.server.vault import Vault, difference
from tests.servers.packages import CHECKOUT
from tests.servers.users import MailUser

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip(Path(sys.executable), "wheel", "--no-deps", "--wheel-dir", str(folder), str(CHECKOUT))
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_is_named_for_the_distribution(wheel: Path) -> None:
    assert wheel.name.startswith("mailvault_archive-")


def test_the_wheel_ships_every_migration_and_no_test(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    migrations = (CHECKOUT / "migrations").rglob("*.py")
    shipped = {f"mailvault/{path.relative_to(CHECKOUT)}" for path in migrations}
    assert shipped
    assert shipped <= names
    assert not [name for name in names if name.startswith(("tests/", "bench/"))]


def test_the_installed_wheel_archives_a_mailbox(
    wheel: Path, tmp_path: Path, mail_user: MailUser
) -> None:
    with mail_user.session() as session:
        append_all(session, "INBOX", generate(1, 20))
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip(python, "install", str(wheel))
    (tmp_path / "work").mkdir()
    vault = Vault(tmp_path / "work", mail_user, program=python.with_name("mailvault"))

    vault.init()
    vault.sync()

    assert not difference(vault.holdings(), read(mail_user))
    assert vault.run("verify", "--json").document()["findings"] == []


def pip(python: Path, *arguments: str) -> None:
    """Run pip, quietly and outside of the checkout."""
    subprocess.run(
        [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments],
        check=True,
        cwd="/",
        env=os.environ | {"PYTHONPATH": ""},
    )
