"""The disk is full at any write: exit 21, and what was archived stays whole."""

from pathlib import Path

import pytest

from tests.server.vault import new_vault
from tests.servers.users import MailUser
from tests.torture.strace import DURABLE, WRITES, places, traced
from tests.torture.tries import assert_whole_after_a_sync

pytestmark = [pytest.mark.torture, pytest.mark.server]


# SQLite does not pass on why an fsync failed, so that may be told as a failing disk: 20.
@pytest.mark.parametrize(
    ("calls", "codes"), [(DURABLE, (0, 20, 21)), (WRITES, (0, 21))], ids=["fsync", "write"]
)
@pytest.mark.parametrize("lasts", ["", "+"], ids=["once", "from-then-on"])
def test_a_full_disk_is_told_and_loses_nothing(
    tmp_path: Path, busy_user: MailUser, calls: str, codes: tuple[int, ...], lasts: str
) -> None:
    for number in places(new_vault(tmp_path / "whole", busy_user), calls, "sync"):
        vault = new_vault(tmp_path / f"{number}", busy_user)
        outcome = traced(vault, calls, "sync", inject=f"error=ENOSPC:when={number}{lasts}")
        assert outcome.code in codes, outcome.stderr
        assert "Traceback" not in outcome.stderr
        assert_whole_after_a_sync(vault, busy_user)
