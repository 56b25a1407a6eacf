"""What the tests of restores to odd servers begin with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.demo.mailbox import ServedAccount
from tests.unit.operations.restore.bent_target import (
    COUNT,
    PatientClock,
    PutBack,
    keep,
    octets_of,
)


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock()


@pytest.fixture
def archive(tmp_path: Path, clock: PatientClock) -> Iterator[Archive]:
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        yield archive


@pytest.fixture
def twenty(archive: Archive) -> list[bytes]:
    messages = [octets_of(number) for number in range(1, COUNT + 1)]
    keep(archive, *messages, flags="\\Seen")
    return messages


@pytest.fixture
def target() -> ServedAccount:
    account = ServedAccount("me", "secret")
    account.create("INBOX")
    return account


@pytest.fixture
def put_back(archive: Archive, target: ServedAccount, clock: PatientClock) -> PutBack:
    return PutBack(archive, target, clock)
