"""Prune forgets what its policy names, and nothing else, however often it is killed."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.rebuild import rebuild_catalog
from mailvault.errors import MessageMissing, UsageError
from mailvault.mail.changes import Pruned
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import INBOX, Arrival, Digest, Mailbox, MailboxName, RunNumber
from mailvault.operations.ages import parse_days
from mailvault.operations.prune import PrunePolicy, PruneReport, plan_prune, prune
from tests.unit.archive.builders import (
    SteppingClock,
    Work,
    build_arrival,
    build_batch,
    build_message,
    named,
    open_again,
)
from tests.unit.archive.dump import dump


class DailyClock(SteppingClock):
    """A day passes whenever somebody says so."""

    days = 0

    def now(self) -> datetime:
        return super().now() + timedelta(days=self.days)


@pytest.fixture
def clock() -> DailyClock:
    return DailyClock()


@pytest.fixture
def work(tmp_path: Path, clock: DailyClock) -> Iterator[Work]:
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        yield Work(archive)


def octets(number: int) -> bytes:
    return build_message(number, body=random.Random(number).randbytes(20_000).hex())


def arrivals(*numbers: int) -> list[Arrival]:
    return [build_arrival(number, octets=octets(number)) for number in numbers]


def digests(archive: Archive) -> set[Digest]:
    return set(archive.catalog.digests())


def run(work: Work, **policy: object) -> PruneReport:
    chosen = PrunePolicy(**policy)  # type: ignore[arg-type]  # words of a test
    plan = plan_prune(work.archive, chosen)
    return prune(work.archive, chosen, plan.digests)


def test_what_is_gone_from_all_runs_that_count_is_forgotten(work: Work) -> None:
    work.sync(build_batch(arrived=arrivals(1, 2, 3)))
    work.sync(build_batch(expunged=[1, 2]))
    work.sync(build_batch(arrived=arrivals(4)))

    assert run(work, keep_last=3).messages == 0
    report = run(work, keep_last=2)

    assert report.messages == 2
    assert report.freed > 0
    assert digests(work.archive) == {Digest.of(octets(3)), Digest.of(octets(4))}
    assert work.uids() == [3, 4]
    assert work.gone() == []
    assert work.uids(at=RunNumber(1)) == [3]
    with pytest.raises(MessageMissing):
        work.archive.content.get(Digest.of(octets(1)))
    assert list(work.archive.check()) == []


def test_what_still_lies_somewhere_stays_with_its_history(work: Work) -> None:
    work.sync(build_batch(arrived=arrivals(1, 2)))
    recorder = work.archive.start_run()
    other = recorder.describe(work.account_id, named("Kept"))
    recorder.add(other, build_batch(arrived=arrivals(1)))
    recorder.finish(0)
    work.sync(build_batch(expunged=[1, 2]))
    work.sync(build_batch(arrived=arrivals(4)))

    assert run(work, keep_last=1).messages == 1

    assert work.archive.content.get(Digest.of(octets(1))) == octets(1)
    assert sorted(
        view.mailbox for view in work.archive.catalog.placements(at=RunNumber(2))
    ) == [
        INBOX,
        MailboxName(("Kept",)),
    ]


def test_days_are_counted_by_the_runs_between(work: Work, clock: DailyClock) -> None:
    work.sync(build_batch(arrived=arrivals(1)))
    work.sync(build_batch(expunged=[1]))
    for day in range(1, 40):
        clock.days = day
        work.sync(build_batch(arrived=arrivals(1 + day)))

    assert run(work, gone_for=60).messages == 0
    assert run(work, gone_for=30).messages == 1


def test_a_clock_that_jumps_makes_nothing_old(work: Work, clock: DailyClock) -> None:
    work.sync(build_batch(arrived=arrivals(1)))
    work.sync(build_batch(expunged=[1]))
    work.sync(build_batch(arrived=arrivals(2)))
    clock.days = 4000
    work.sync(build_batch(arrived=arrivals(3)))

    assert run(work, gone_for=30).messages == 0


def test_an_account_under_suspicion_keeps_everything(work: Work) -> None:
    work.sync(build_batch(arrived=arrivals(1)))
    work.sync(build_batch(expunged=[1]))
    recorder = work.archive.start_run()
    recorder.suspect(work.account_id, work.mailbox_id, "emptied")
    recorder.finish(3)
    work.sync(build_batch(arrived=arrivals(2)))

    report = run(work, keep_last=1)

    assert (report.messages, report.plan.frozen, report.exit_code) == (0, ("work",), 3)
    recorder = work.archive.start_run()
    recorder.accept(work.account_id)
    recorder.finish(0)
    assert run(work, keep_last=1).messages == 1


def test_a_mailbox_is_the_one_in_which_a_message_lay_last(work: Work) -> None:
    work.sync(build_batch(arrived=arrivals(1, 2)))
    recorder = work.archive.start_run()
    trash = recorder.describe(work.account_id, named("Trash"))
    recorder.add(trash, build_batch(arrived=arrivals(1)))
    recorder.add(work.mailbox_id, build_batch(expunged=[1, 2]))
    recorder.finish(0)
    recorder = work.archive.start_run()
    recorder.add(trash, build_batch(expunged=[1]))
    recorder.account_finished(work.account_id, None)
    recorder.finish(0)
    work.sync(build_batch(arrived=arrivals(3)))

    plan = plan_prune(work.archive, PrunePolicy(keep_last=1, globs=MailboxGlobs(["Trash"])))

    assert plan.digests == {Digest.of(octets(1))}
    assert [(each.mailbox, each.messages) for each in plan.mailboxes] == [
        (MailboxName(("Trash",)), 1)
    ]


def test_mail_of_another_account_stays(work: Work) -> None:
    work.sync(build_batch(arrived=arrivals(1)))
    recorder = work.archive.start_run()
    home = recorder.account("home", "imap")
    inbox = recorder.describe(home, Mailbox(INBOX))
    recorder.add(inbox, build_batch(arrived=arrivals(1, 2)))
    recorder.account_finished(home, None)
    recorder.finish(0)
    work.sync(build_batch(expunged=[1]))
    recorder = work.archive.start_run()
    recorder.add(inbox, build_batch(expunged=[1, 2]))
    recorder.account_finished(home, None)
    recorder.finish(0)
    work.sync(build_batch(arrived=arrivals(3)))

    assert run(work, keep_last=1, account="work").messages == 0
    assert run(work, keep_last=1, account="home").messages == 1
    assert run(work, keep_last=1).messages == 1


def test_only_what_was_agreed_to_is_forgotten(work: Work) -> None:
    work.sync(build_batch(arrived=arrivals(1, 2)))
    work.sync(build_batch(expunged=[1, 2]))
    work.sync(build_batch(arrived=arrivals(3)))

    report = prune(work.archive, PrunePolicy(keep_last=1), [Digest.of(octets(2))])

    assert report.messages == 1
    assert work.archive.content.get(Digest.of(octets(1))) == octets(1)


def test_a_rebuild_after_a_prune_gives_the_same_catalog(work: Work) -> None:
    work.sync(build_batch(7, arrived=arrivals(1, 2, 3), cursor="c"))
    work.sync(build_batch(7, flags={1: ("\\Seen",), 3: ("$a",)}))
    work.sync(build_batch(7, expunged=[1], flags={3: ("$b",)}))
    work.sync(build_batch(7, arrived=[build_arrival(1, octets=octets(9))]))
    work.sync(build_batch(7, flags={1: ("\\Seen",)}))
    work.sync(build_batch(8, arrived=arrivals(2), is_complete=True))
    assert run(work, keep_last=2).messages == 1
    work.sync(build_batch(8, arrived=arrivals(5)))
    work.archive.close()
    before = dump(work.archive.path)

    rebuilt = rebuild_catalog(work.archive.path, clock=SteppingClock())

    assert dump(work.archive.path) == before
    assert rebuilt.unindexed == 0
    with open_again(work.archive.path) as archive:
        assert list(archive.check()) == []


def test_a_pruned_message_that_comes_back_is_archived_again(work: Work) -> None:
    work.sync(build_batch(arrived=arrivals(1, 2)))
    work.sync(build_batch(expunged=[1]))
    work.sync(build_batch(arrived=arrivals(3)))
    run(work, keep_last=1)
    work.sync(build_batch(arrived=[build_arrival(9, octets=octets(1))]))

    assert work.archive.content.get(Digest.of(octets(1))) == octets(1)
    assert run(work, keep_last=1).messages == 0
    assert work.archive.content.get(Digest.of(octets(1))) == octets(1)


def test_room_that_a_killed_prune_did_not_give_back_is_given_back(work: Work) -> None:
    work.sync(build_batch(arrived=arrivals(1, 2)))
    work.sync(build_batch(expunged=[1]))
    work.archive.tell([Pruned((Digest.of(octets(1)),))])

    report = run(work, keep_last=1)

    assert (report.messages, report.freed > 0) == (0, True)
    assert list(work.archive.check()) == []


def test_a_present_message_is_never_forgotten_whatever_a_record_says(work: Work) -> None:
    work.sync(build_batch(arrived=arrivals(1)))
    work.archive.tell([Pruned((Digest.of(octets(1)),))])

    assert work.uids() == [1]
    assert work.archive.catalog.forgotten() == set()


def test_a_prune_is_noted_as_a_job(work: Work) -> None:
    work.sync(build_batch(arrived=arrivals(1)))
    run(work, keep_last=5)

    (job,) = work.archive.catalog.jobs(1)

    assert (job.kind, job.detail, job.exit_code) == ("prune", "not in the last 5 runs", 0)


def test_a_policy_that_says_nothing_is_refused(work: Work) -> None:
    with pytest.raises(UsageError, match="nothing says what may be forgotten"):
        plan_prune(work.archive, PrunePolicy())


@pytest.mark.parametrize(("text", "days"), [("1d", 1), ("2w", 14), ("6m", 180), ("1y", 365)])
def test_an_age_is_read_in_days(text: str, days: int) -> None:
    assert parse_days(text, "--gone-for") == days


@pytest.mark.parametrize("text", ["", "1", "0d", "-3d", "1h", "1 y", "1.5y", "999999d"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not an age"):
        parse_days(text, "--gone-for")
