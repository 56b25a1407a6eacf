"""The sample mailbox, served and archived."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailvault.demo.sample import PASSWORD, USER, build_sample, change_sample
from mailvault.demo.server import DemoServer
from tests.unit.cli.program import Setting


def account_lines(server: DemoServer) -> str:
    """The lines that configure the demonstration server's account."""
    return (
        f'protocol = "imap"\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\n'
        f'user = "{USER}"\npassword = "{PASSWORD}"\n'
    )


@contextmanager
def archived_sample(folder: Path) -> Iterator[Setting]:
    """An archive after two runs, between which mail came, changed and went; still served."""
    account = build_sample()
    with DemoServer(account) as server:
        setting = Setting(folder)
        setting.configure(work=account_lines(server))
        assert setting.run("init").code == 0
        assert setting.run("sync").code == 0
        change_sample(account)
        assert setting.run("sync").code == 0
        yield setting


def copied(setting: Setting, folder: Path) -> Setting:
    copy = Setting(folder / "copy")
    shutil.copytree(setting.folder, copy.folder)
    return copy
