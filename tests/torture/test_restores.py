"""Restores killed and cut off at many points; each message must be there once."""

import random
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.server.restoring import Message, add_target, messages, restore
from tests.server.test_restore_interruptions import had, kill_once, source, stored
from tests.server.vault import Vault
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import Fault, FaultProxy, Kind
from tests.servers.users import MailUser, new_user
from tests.torture.strace import DURABLE, places, traced

pytestmark = [pytest.mark.torture, pytest.mark.server]

KILLS = 50
IN_A_ROW = 5
CUTS = 40

__all__ = ["had", "source", "stored"]  # fixtures


def test_fifty_kills_neither_lose_nor_double(
    stored: Vault, had: Counter[Message], dovecot: Dovecot
) -> None:
    chance = random.Random(50)
    kills = 0
    for _ in range(KILLS // IN_A_ROW):
        target = new_user(dovecot)
        add_target(stored, target)
        kills += sum(kill_once(stored, had, chance) for _ in range(IN_A_ROW))

        restore(stored)

        assert messages(target) == had
    assert kills > KILLS // 3


def test_a_kill_at_any_durable_write_neither_loses_nor_doubles(
    tmp_path: Path, busy_user: MailUser, vault: Vault, dovecot: Dovecot
) -> None:
    vault.sync()
    had_before = messages(busy_user)
    words = ("restore", "work", "--to", "target")
    add_target(vault, new_user(dovecot))

    for number in places(vault, DURABLE, *words):
        target = new_user(dovecot)
        add_target(vault, target)
        outcome = traced(vault, DURABLE, *words, inject=f"signal=SIGKILL:when={number}")
        assert outcome.code in (0, -signal.SIGKILL), outcome.stderr
        restore(vault)
        assert messages(target) == had_before


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.CLOSE])
def test_cuts_anywhere_neither_lose_nor_double(
    stored: Vault, had: Counter[Message], dovecot: Dovecot, kind: Kind
) -> None:
    chance = random.Random(40)
    for _ in range(CUTS // 4):
        target = new_user(dovecot)
        faults = [Fault(kind, chance.randrange(600, 12_000)) for _ in range(4)]
        with FaultProxy(target.port, lambda n: faults[n] if n < 4 else Fault()) as proxy:  # noqa: B023
            add_target(stored, target, port=proxy.port)
            restore(stored)
        assert messages(target) == had
