"""Accounts that are synced at the same time are each archived as if alone."""

import random
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.server.accounts import furnish, read
from tests.server.test_daemon import add_account, made
from tests.server.unattended import schedule
from tests.server.vault import Vault, difference
from tests.servers.dovecot import Dovecot
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

OTHERS = ("home", "old", "shop")


@pytest.fixture
def users(mail_user: MailUser, dovecot: Dovecot) -> dict[str, MailUser]:
    """Four users, with much mail in common."""
    users = {"work": mail_user} | {name: new_user(dovecot) for name in OTHERS}
    for user in users.values():
        furnish(user, names=("Läbel", "a~b"))
    return users


@pytest.fixture
def shared(tmp_path: Path, users: dict[str, MailUser]) -> Vault:
    """An archive, still empty, of all of them, due at once."""
    vault = Vault(tmp_path, users["work"])
    for name in OTHERS:
        add_account(vault, name, users[name])
    schedule(vault, 'sync = "1h"\nat_once = 4')
    return made(vault)


def assert_archived(vault: Vault, users: dict[str, MailUser]) -> None:
    for name, user in users.items():
        assert difference(vault.holdings(name), read(user)) == []


def test_each_account_is_archived_as_its_server_has_it(
    shared: Vault, users: dict[str, MailUser]
) -> None:
    shared.run("run", "--due")

    assert_archived(shared, users)
    shared.run("verify")
    before = shared.placements()
    shared.run("rebuild")
    assert shared.placements() == before


def test_killed_anywhere_it_goes_on_from_there(
    shared: Vault, users: dict[str, MailUser]
) -> None:
    chance = random.Random(7)
    for _ in range(2):
        with shared.start("run", "--due") as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.4 + chance.random())
            process.kill()

    shared.sync()

    assert_archived(shared, users)
    shared.run("verify")
