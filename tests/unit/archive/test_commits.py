"""Groups are written one after the other, and one is written while others are made known."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.commits import Commits
from mailvault.archive.committer import Committer
from mailvault.archive.drafts import Group
from mailvault.archive.journal import Journal
from mailvault.errors import ArchiveError, NoSpace
from mailvault.mail.changes import AccountAdded, RunStarted
from mailvault.mail.model import RunNumber
from tests.unit.archive.builders import create, open_again

DEADLINE = 60.0
RUN = RunNumber(1)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    create(tmp_path / "archive").close()
    with open_again(tmp_path / "archive", writing=True) as archive:
        yield archive


@pytest.fixture
def committer(archive: Archive) -> Committer:
    journal = Journal(archive.path / "journal", archive.id)
    return Committer(archive.content, journal, archive.catalog)


def adding(*numbers: int) -> Group:
    return Group(records=[AccountAdded(each, f"account {each}", "imap") for each in numbers])


def test_groups_are_written_while_the_catalog_is_still_busy_with_an_earlier_one(
    archive: Archive, committer: Committer
) -> None:
    goes_on, heard = Event(), []

    def wait(*told: object) -> None:
        assert goes_on.wait(DEADLINE)
        heard.append(told)

    committer.follow_with(wait)
    commits = Commits(committer, RUN)
    commits.begin(Group(records=[RunStarted(RUN, datetime(2026, 1, 1, tzinfo=UTC))]))
    commits.begin(adding(1))
    commits.begin(adding(2))  # returns when the one before is written
    position = archive.catalog.position()
    journalled = [*Journal(archive.path / "journal", archive.id).groups(position)]
    goes_on.set()
    commits.settle()
    commits.close()

    assert len(heard) == 3
    assert len(journalled) >= 1, "nothing was written ahead of the catalog"
    assert [each.name for each in archive.catalog.accounts()] == ["account 1", "account 2"]


def test_what_failed_after_the_journal_fails_whoever_waits_and_every_later_group(
    archive: Archive, committer: Committer
) -> None:
    def fail(*_: object) -> None:
        raise NoSpace("no space left on device")

    committer.follow_with(fail)
    commits = Commits(committer, RUN)
    commits.begin(adding(1))

    with pytest.raises(NoSpace):
        commits.settle()
    with pytest.raises(NoSpace):
        commits.begin(adding(2))
    with pytest.raises(ArchiveError):
        committer.write(RUN, adding(2).records, ())
    commits.close()
    position = archive.catalog.position()
    assert position.sequence == 1, "a group was written behind one that failed"


def test_a_mailbox_is_pending_until_the_catalog_knows_of_it(committer: Committer) -> None:
    goes_on = Event()
    committer.follow_with(lambda *_: None if goes_on.wait(DEADLINE) else pytest.fail("stuck"))
    commits = Commits(committer, RUN)
    group = adding(1)
    group.mailbox_ids.add(7)
    commits.begin(group)
    commits.begin(adding(2))
    before = commits.is_pending(7)
    goes_on.set()
    commits.settle()
    commits.close()

    assert before
    assert not commits.is_pending(7)
