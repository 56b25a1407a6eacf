"""One try: a fresh archive, a disaster, and whether the next sync makes it good."""

from tests.server.accounts import read
from tests.server.vault import Vault, difference
from tests.servers.users import MailUser


def assert_whole_after_a_sync(vault: Vault, user: MailUser) -> None:
    vault.sync()
    assert not difference(vault.holdings(), read(user))
    assert vault.run("verify", "--json").document()["findings"] == []
