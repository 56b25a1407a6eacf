"""What the tests of odd IMAP servers begin with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.demo.mailbox import ServedAccount, ServedMailbox
from tests.unit.sources.imap_syncs import NOON, ImpatientClock, SyncOnce, octets_of


@pytest.fixture
def served() -> ServedAccount:
    account = ServedAccount("me", "secret")
    inbox = account.create("INBOX")
    for number in range(1, 21):
        inbox.append(octets_of(number), flags=["\\Seen"], internal_date=NOON)
    return account


@pytest.fixture
def inbox(served: ServedAccount) -> ServedMailbox:
    return served.mailbox("INBOX")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.create(tmp_path / "archive", clock=ImpatientClock()) as archive:
        yield archive


@pytest.fixture
def sync_once(served: ServedAccount, archive: Archive) -> SyncOnce:
    return SyncOnce(served, archive)
