"""The disk is full at any write: exit 21, and what was archived stays whole."""

from pathlib import Path

import pytest

from tests.server.test_full_disks import check_full
from tests.server.vault import new_vault
from tests.servers.users import MailUser
from tests.torture.strace import DURABLE, WRITES, places, traced
from tests.torture.tries import assert_whole_after_a_sync

pytestmark = [pytest.mark.torture, pytest.mark.server]


# SQLite does not pass on why an fsync failed, so that may be told as a failing disk: 20;
# and it takes a folder's for done when it has made its journal there.
@pytest.mark.parametrize(
    ("calls", "codes"), [(DURABLE, (0, 20, 21)), (WRITES, (21,))], ids=["fsync", "write"]
)
@pytest.mark.parametrize("lasts", ["", "+"], ids=["once", "from-then-on"])
def test_a_full_disk_is_told_and_loses_nothing(
    tmp_path: Path, busy_user: MailUser, calls: str, codes: tuple[int, ...], lasts: str
) -> None:
    numbers = places(new_vault(tmp_path / "whole", busy_user), calls, "sync")
    failures = 0

    for number in numbers:
        vault = new_vault(tmp_path / f"{number}", busy_user)
        outcome = traced(vault, calls, "sync", inject=f"error=ENOSPC:when={number}{lasts}")
        # How many calls a thread makes differs a little from run to run.
        assert outcome.code in (codes if outcome.is_hit else (0,)), outcome.stderr
        assert "Traceback" not in outcome.stderr
        failures += outcome.code != 0
        assert_whole_after_a_sync(vault, busy_user)

    assert failures > len(numbers) // 2


@pytest.mark.parametrize("store", ["sqlite", "maildir"])
def test_a_disk_of_any_size_loses_nothing(
    tmp_path: Path, busy_user: MailUser, store: str
) -> None:
    sizes = range(8 << 10, 1 << 20, 64 << 10)

    too_small = sum(check_full(tmp_path / f"{size}", busy_user, store, size) for size in sizes)

    assert too_small > 3
