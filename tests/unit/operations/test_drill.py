"""A drill restores mail as another program would find it, and sees every difference."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailvault.destinations.maildir import MaildirDestination
from mailvault.mail.model import Digest, Flags, MailboxName, Octets
from mailvault.operations.drill import LEAST, drill
from tests.server.damage import damage_messages
from tests.unit.archive.builders import (
    Work,
    build_arrival,
    build_batch,
    build_message,
    create,
    open_again,
)


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    with create(tmp_path / "archive") as archive:
        yield Work(archive)


class Careless(MaildirDestination):
    """Forgets what it is told to."""

    forgets = ""

    def append(
        self,
        mailbox: MailboxName,
        octets: Octets,
        *,
        flags: Flags,
        internal_date: datetime | None,
    ) -> None:
        if self.forgets == "flags":
            flags = frozenset()
        if self.forgets == "date":
            internal_date = datetime(2001, 1, 1, tzinfo=UTC)
        if self.forgets == "octets":
            assert isinstance(octets, bytes)
            octets += b"x"
        super().append(mailbox, octets, flags=flags, internal_date=internal_date)


def test_a_small_archive_is_restored_whole(work: Work, tmp_path: Path) -> None:
    flags = ("\\Seen", "$Forwarded", "später")
    work.sync(
        build_batch(
            arrived=[
                build_arrival(1, *flags),
                build_arrival(2, octets=build_message(1)),
                *range(3, 12),
            ]
        )
    )

    report = drill(work.archive, MaildirDestination, tmp_path)

    assert (report.restored, report.messages, report.failures) == (11, 11, ())
    assert not (tmp_path / "maildir").exists()
    (job,) = work.archive.catalog.jobs(1)
    assert (job.kind, job.checked, job.exit_code) == ("drill", 11, 0)


def test_a_share_of_a_larger_archive_is_restored(work: Work, tmp_path: Path) -> None:
    work.sync(build_batch(arrived=range(1, 401)))

    report = drill(
        work.archive, MaildirDestination, tmp_path, percent=10, chance=random.Random(1)
    )
    least = drill(
        work.archive, MaildirDestination, tmp_path, percent=0.1, chance=random.Random(1)
    )

    assert 20 < report.restored < 60
    assert LEAST / 2 < least.restored < LEAST * 2


@pytest.mark.parametrize("forgets", ["flags", "date", "octets"])
def test_a_difference_is_seen(work: Work, tmp_path: Path, forgets: str) -> None:
    work.sync(build_batch(arrived=[build_arrival(1, "\\Seen")]))
    destination = type("Forgetful", (Careless,), {"forgets": forgets})

    report = drill(work.archive, destination, tmp_path)

    assert report.exit_code == 4
    assert [(f.remote_id, forgets in f.reason) for f in report.failures] == [("1", True)]


def test_a_damaged_message_is_a_failure_and_the_others_are_restored(
    work: Work, tmp_path: Path
) -> None:
    work.sync(build_batch(arrived=[1, 2]))
    digest = str(Digest.of(build_message(1)))
    work.archive.close()
    damage_messages(work.archive.path, [digest])
    with open_again(work.archive.path) as archive:
        report = drill(archive, MaildirDestination, tmp_path)

    assert (report.restored, len(report.failures)) == (1, 1)
