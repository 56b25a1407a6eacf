"""A restore that is killed or cut off anywhere, and repeated, leaves each message once."""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus.ordinary import generate, small
from tests.server.restoring import Message, add_target, messages, restore, total
from tests.server.vault import Vault
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import Fault, FaultProxy, Kind
from tests.servers.maildir import fill
from tests.servers.process import MailServer
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

KILLS = 4
CUTS = 6


@pytest.fixture(scope="module")
def source(dovecot: Dovecot) -> MailUser:
    """A user with 900 messages in three mailboxes, some of them twins."""
    user = new_user(dovecot)
    owner = (dovecot.owner.uid, dovecot.owner.gid)
    mail = dovecot.maildir(user.name)
    fill(mail, generate(1, 250), owner=owner)
    fill(mail / "Lists", small(2, 500), owner=owner)
    fill(mail / "Twins", [*small(3, 50), *small(3, 50), *small(3, 50)], owner=owner)
    return user


@pytest.fixture(scope="module")
def stored(source: MailUser, tmp_path_factory: pytest.TempPathFactory) -> Vault:
    vault = Vault(tmp_path_factory.mktemp("stored"), source)
    vault.init()
    vault.sync()
    return vault


@pytest.fixture(scope="module")
def had(source: MailUser) -> Counter[Message]:
    return messages(source)


def test_killed_anywhere_and_repeated_each_message_is_there_once(
    stored: Vault, had: Counter[Message], dovecot: Dovecot
) -> None:
    chance = random.Random(4)
    target = new_user(dovecot)
    add_target(stored, target)

    kills = sum(kill_once(stored, had, chance) for _ in range(KILLS))
    report = restore(stored)

    assert kills
    assert messages(target) == had
    assert total(report, "present") + total(report, "appended") == sum(had.values())


@pytest.mark.parametrize("name", ["cyrus", "courier"])
def test_killed_on_other_servers_each_message_is_there_once(
    stored: Vault, had: Counter[Message], name: str, request: pytest.FixtureRequest
) -> None:
    server: MailServer = request.getfixturevalue(name)
    target = new_user(server)
    add_target(stored, target)

    twins = Counter({message: n for message, n in had.items() if message[0] == "Twins"})

    kill_once(stored, twins, random.Random(7), "--mailbox", "Twins")
    restore(stored, "--mailbox", "Twins")

    assert messages(target, prefix="INBOX/" if name == "courier" else "") == twins


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.CLOSE])
def test_a_connection_that_is_cut_again_and_again_doubles_nothing(
    stored: Vault, had: Counter[Message], dovecot: Dovecot, kind: Kind
) -> None:
    chance = random.Random(5)
    target = new_user(dovecot)
    # The server says little while it takes mail: the first cuts are early, and each later.
    faults = [Fault(kind, 1_500 + chance.randrange(2_500)) for _ in range(CUTS)]
    with FaultProxy(target.port, lambda n: faults[n] if n < CUTS else Fault()) as proxy:
        add_target(stored, target, port=proxy.port)
        report = restore(stored, "--verify", "none")

    assert proxy.traffic.connections > CUTS // 2
    assert messages(target) == had
    assert total(report, "appended") == sum(had.values())


def kill_once(
    vault: Vault, had: Counter[Message], chance: random.Random, *arguments: str
) -> bool:
    """Kill a restore once it has spoken of so many messages; tell if it was not done yet."""
    wanted = chance.randrange(sum(had.values()))
    with vault.start("restore", "work", "--to", "target", *arguments) as process:
        while process.poll() is None and count(vault) < wanted:
            time.sleep(0.01)
        is_under_way = process.poll() is None
        process.kill()
        process.communicate()
    return is_under_way


def count(vault: Vault) -> int:
    """How many messages the journals of restores speak of."""
    return sum(
        path.read_bytes().count(b'","') + path.read_bytes().count(b'",')
        for path in Path(vault.archive, "restores").rglob("0*.jsonl")
    )
