"""Which journal a release of SQLite may be trusted with."""

import pytest

from mailvault.archive.journal_mode import ROLLBACK_JOURNAL, WRITE_AHEAD_LOG, journal_mode_for


@pytest.mark.parametrize(
    "version",
    [(3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 49, 9), (3, 50, 6), (3, 51, 0), (3, 51, 2)],
    ids=str,
)
def test_a_release_that_can_lose_a_wal_transaction_keeps_a_rollback_journal(
    version: tuple[int, int, int],
) -> None:
    assert journal_mode_for(version) == ROLLBACK_JOURNAL


@pytest.mark.parametrize(
    "version", [(3, 44, 6), (3, 44, 9), (3, 50, 7), (3, 51, 3), (3, 52, 0), (4, 0, 0)], ids=str
)
def test_a_release_with_the_fix_uses_the_write_ahead_log(version: tuple[int, int, int]) -> None:
    assert journal_mode_for(version) == WRITE_AHEAD_LOG


def test_both_journals_sync_every_commit() -> None:
    assert ROLLBACK_JOURNAL.synchronous == "EXTRA"
    assert WRITE_AHEAD_LOG.synchronous == "FULL"
