"""Killed at every place that matters, and at many others."""

import signal
from pathlib import Path

import pytest

from tests.server.killing import RandomKiller
from tests.server.vault import Vault, new_vault
from tests.servers.users import MailUser
from tests.torture.strace import DURABLE, NAMES, WRITES, places, traced
from tests.torture.tries import assert_whole_after_a_sync

pytestmark = [pytest.mark.torture, pytest.mark.server]

RANDOM_KILLS = 100
IN_A_ROW = 4


@pytest.mark.parametrize(
    ("store", "calls"),
    [("sqlite", DURABLE), ("sqlite", WRITES), ("maildir", DURABLE), ("maildir", NAMES)],
    ids=["sqlite-fsync", "sqlite-write", "maildir-fsync", "maildir-names"],
)
def test_a_kill_at_any_call_loses_nothing(
    tmp_path: Path, busy_user: MailUser, store: str, calls: str
) -> None:
    numbers = places(new_vault(tmp_path / "whole", busy_user, store=store), calls, "sync")
    kills = 0

    for number in numbers:
        vault = new_vault(tmp_path / f"{number}", busy_user, store=store)
        outcome = traced(vault, calls, "sync", inject=f"signal=SIGKILL:when={number}")
        # How many calls a thread makes differs a little from run to run.
        assert outcome.code in (0, -signal.SIGKILL), outcome.stderr
        kills += outcome.code != 0
        assert_whole_after_a_sync(vault, busy_user)

    assert kills > len(numbers) // 3  # the threads share the calls otherwise each time


def test_a_kill_of_init_at_any_call_can_be_repeated(
    tmp_path: Path, busy_user: MailUser
) -> None:
    (tmp_path / "whole").mkdir()

    for number in places(Vault(tmp_path / "whole", busy_user), DURABLE, "init"):
        (tmp_path / f"{number}").mkdir()
        vault = Vault(tmp_path / f"{number}", busy_user)
        traced(vault, DURABLE, "init", inject=f"signal=SIGKILL:when={number}")
        vault.run("init")
        assert_whole_after_a_sync(vault, busy_user)


@pytest.mark.parametrize("store", ["sqlite", "maildir"])
def test_a_hundred_kills_at_any_moment_lose_nothing(
    tmp_path: Path, busy_user: MailUser, store: str
) -> None:
    killer = RandomKiller(200)
    kills = 0
    for number in range(RANDOM_KILLS // IN_A_ROW):
        vault = new_vault(tmp_path / f"{number}", busy_user, store=store)
        kills += sum(killer.kill(vault, "sync") for _ in range(IN_A_ROW))
        assert_whole_after_a_sync(vault, busy_user)

    assert kills > RANDOM_KILLS // 3
