"""One try: a fresh archive, a disaster, and whether the next sync makes it good."""

from pathlib import Path

from tests.server.accounts import read
from tests.server.vault import Vault, difference
from tests.servers.users import MailUser


def new_vault(folder: Path, user: MailUser) -> Vault:
    """An archive of its own for each try."""
    folder.mkdir()
    vault = Vault(folder, user)
    vault.init()
    return vault


def assert_whole_after_a_sync(vault: Vault, user: MailUser) -> None:
    vault.sync()
    assert not difference(vault.holdings(), read(user))
    assert vault.run("verify", "--json").document()["findings"] == []
