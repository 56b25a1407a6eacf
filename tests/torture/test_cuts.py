"""A thousand cut connections: nothing lost, nothing altered, no truncated body kept."""

import random
from pathlib import Path

import pytest

from tests.server.vault import RUN_SECONDS, Vault, new_vault
from tests.servers.fault_proxy import Fault, FaultProxy, Kind
from tests.servers.users import MailUser
from tests.torture.tries import assert_whole_after_a_sync

pytestmark = [pytest.mark.torture, pytest.mark.server]

CUTS = 1_000
CONNECTIONS = 9
OCTETS = 200_000
"""The server sends about three times as many in a whole sync."""


def test_a_thousand_cuts_lose_nothing(tmp_path: Path, busy_user: MailUser) -> None:
    chance = random.Random(1_000)
    cuts = 0
    number = 0
    while cuts < CUTS:
        number += 1
        vault = new_vault(tmp_path / f"{number}", busy_user)
        cuts += _cut(vault, busy_user, chance)
        vault.configure(busy_user)
        assert_whole_after_a_sync(vault, busy_user)


def _cut(vault: Vault, user: MailUser, chance: random.Random) -> int:
    """Sync over a wire that breaks again and again; give how often it did."""

    def fault_of(connection: int) -> Fault:
        kind = chance.choice([Kind.CLOSE, Kind.RESET])
        return Fault(kind, _place(chance)) if connection < CONNECTIONS else Fault()

    with FaultProxy(user.port, fault_of) as proxy:
        vault.configure(user, port=proxy.port)
        with vault.start("sync") as process:
            _, said = process.communicate(timeout=RUN_SECONDS)
    # 3: a message at which the wire broke twice is owed, and the next sync brings it.
    assert process.returncode in (0, 3, 10), said
    assert b"Traceback" not in said
    return proxy.traffic.faults


def _place(chance: random.Random) -> int:
    """One in four while the connection is being set up, the others anywhere."""
    return chance.randrange(chance.choice([3_000, OCTETS, OCTETS, OCTETS]))
