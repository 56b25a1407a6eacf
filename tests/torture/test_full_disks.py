"""The disk is full at any write: exit 21, and what was archived stays whole."""

from pathlib import Path

import pytest

from tests.server.vault import new_vault
from tests.servers.users import MailUser
from tests.torture.strace import DURABLE, WRITES, traced
from tests.torture.tries import assert_whole_after_a_sync

pytestmark = [pytest.mark.torture, pytest.mark.server]

PLACES = 60


@pytest.mark.parametrize("calls", [DURABLE, WRITES], ids=["fsync", "write"])
@pytest.mark.parametrize("lasts", ["", "+"], ids=["once", "from-then-on"])
def test_a_full_disk_is_told_and_loses_nothing(
    tmp_path: Path, busy_user: MailUser, calls: str, lasts: str
) -> None:
    total = traced(new_vault(tmp_path / "whole", busy_user), calls, "sync").calls

    for number in range(1, total + 1, max(1, total // PLACES)):
        vault = new_vault(tmp_path / f"{number}", busy_user)
        outcome = traced(vault, calls, "sync", inject=f"error=ENOSPC:when={number}{lasts}")
        assert outcome.code in (0, 21), outcome.stderr
        assert "Traceback" not in outcome.stderr
        assert_whole_after_a_sync(vault, busy_user)
