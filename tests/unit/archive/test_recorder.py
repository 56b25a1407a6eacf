"""What a run takes in, what it leaves out, and when it is durable."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.content.sqlite import SqliteStore
from mailvault.archive.journal import Group
from mailvault.archive.recorder import Applied, Recorder
from mailvault.errors import ArchiveError, MessageMissing
from mailvault.mail.changes import (
    MailboxChanged,
    MailboxFinished,
    RunFinished,
    RunStarted,
)
from mailvault.mail.model import (
    Arrival,
    Digest,
    Mailbox,
    MailboxName,
    Recognition,
    StreamedOctets,
    Uid,
)
from tests.flags import build_flags
from tests.unit.archive.builders import (
    INTERNAL_DATE,
    Work,
    build_arrival,
    build_batch,
    build_message,
    named,
    open_again,
)


def journal(archive: Archive) -> list[Group]:
    layout = archive._layout
    return [each for each in layout.journal.groups(layout.start) if isinstance(each, Group)]


def changes(archive: Archive) -> list[MailboxChanged]:
    records = [record for group in journal(archive) for record in group.records]
    return [record for record in records if isinstance(record, MailboxChanged)]


def begin(archive: Archive) -> tuple[Recorder, int]:
    recorder = archive.start_run()
    mailbox_id = recorder.describe(recorder.account("work", "imap"), named("INBOX"))
    return recorder, mailbox_id


def test_a_batch_counts_what_was_news(work: Work) -> None:
    work.sync(build_batch(arrived=[build_arrival(1, "\\Seen"), 2, 3]))
    recorder = work.archive.start_run()

    applied = recorder.add(
        work.mailbox_id,
        build_batch(
            arrived=[4],
            flags={1: ("\\Seen",), 2: ("\\Seen",), 77: ("\\Seen",)},
            expunged=[3, 99],
            unreadable=[5],
        ),
    )
    recorder.finish(0)

    assert applied == Applied(1, 1, 1, 1, len(build_message(4)))


def test_what_is_known_is_not_written_again(work: Work) -> None:
    work.sync(build_batch(arrived=[build_arrival(1, "\\Seen")], cursor="c", is_complete=True))
    before = len(changes(work.archive))

    work.sync(
        build_batch(flags={1: ("\\Seen",)}, expunged=[7], cursor="c", is_complete=True),
        build_batch(cursor="c"),
        build_batch(is_complete=True),
    )

    assert len(changes(work.archive)) == before


def test_a_cursor_alone_is_written(work: Work) -> None:
    work.sync(build_batch(arrived=[1], cursor="c1"))
    work.sync(build_batch(cursor="c2"))

    assert next(work.archive.catalog.mailboxes()).cursor == "c2"


def test_a_run_in_which_nothing_happened_is_one_commit(work: Work) -> None:
    work.sync(build_batch(arrived=[1], cursor="c"))
    before = len(journal(work.archive))
    recorder = work.archive.start_run()
    recorder.account("work", "imap")
    recorder.describe(work.account_id, named("INBOX"), mailbox_id=work.mailbox_id)
    recorder.flush()
    recorder.mailbox_finished(MailboxFinished(work.mailbox_id, 0, 0, 0, 0, 0, 0.1))
    recorder.account_finished(work.account_id, None)
    recorder.flush()
    recorder.finish(0)

    groups = journal(work.archive)[before:]
    assert len(groups) == 1
    assert [type(each).__name__ for each in groups[0].records] == [
        "RunStarted",
        "AccountFinished",
        "RunFinished",
    ]


def test_batches_of_new_messages_become_one_record(work: Work) -> None:
    work.sync(
        build_batch(arrived=[1, 2], cursor="c1"),
        build_batch(arrived=[3], cursor="c2"),
        build_batch(unreadable=[4], cursor="c3", is_complete=True),
    )

    (change,) = changes(work.archive)
    assert [each.uid for each in change.placed] == [1, 2, 3]
    assert [each.uid for each in change.owed] == [4]
    assert change.cursor == "c3"
    assert change.is_complete


def test_flags_of_messages_that_just_arrived_are_compared_with_theirs(work: Work) -> None:
    work.sync(
        build_batch(arrived=[build_arrival(1, "\\Seen"), 2]),
        build_batch(flags={1: ("\\Seen",), 2: ("\\Flagged",)}),
        build_batch(expunged=[1]),
    )

    assert work.uids() == [2]
    assert work.flags(2) == ["\\Flagged"]


def test_what_was_flushed_survives_a_run_that_is_abandoned(work: Work) -> None:
    recorder, mailbox_id = begin(work.archive)
    recorder.add(mailbox_id, build_batch(arrived=[1], cursor="c1"))
    recorder.flush()
    recorder.add(mailbox_id, build_batch(arrived=[2], cursor="c2"))
    recorder.abandon()

    assert [view.uid for view in work.archive.catalog.placements()] == [1]
    assert next(work.archive.catalog.mailboxes()).cursor == "c1"


def test_the_run_after_an_abandoned_one_goes_on(work: Work) -> None:
    recorder, mailbox_id = begin(work.archive)
    recorder.add(mailbox_id, build_batch(arrived=[1]))
    recorder.flush()
    recorder.abandon()

    second = work.archive.start_run()
    second.add(mailbox_id, build_batch(arrived=[2]))
    second.finish(0)

    assert [view.uid for view in work.archive.catalog.placements()] == [1, 2]
    first_run, second_run = sorted(work.archive.catalog.runs(), key=lambda run: run.run)
    assert first_run.is_interrupted
    assert not second_run.is_interrupted


def test_a_run_that_stored_nothing_leaves_no_trace(work: Work) -> None:
    recorder, mailbox_id = begin(work.archive)
    recorder.add(mailbox_id, build_batch(arrived=[1]))
    recorder.abandon()

    assert journal(work.archive) == []
    assert work.archive.start_run().run == recorder.run


def test_a_finished_run_takes_nothing_more(work: Work) -> None:
    recorder, mailbox_id = begin(work.archive)
    recorder.finish(0)

    with pytest.raises(ArchiveError, match="the run is finished"):
        recorder.add(mailbox_id, build_batch(arrived=[1]))
    recorder.abandon()


def test_a_recognised_message_needs_no_octets(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))
    digest = Digest.of(build_message(1))
    work.sync(
        build_batch(recognised=(Recognition(Uid(9), digest, build_flags(), INTERNAL_DATE),))
    )

    assert [(view.uid, view.size) for view in work.archive.catalog.placements()] == [
        (1, len(build_message(1))),
        (9, len(build_message(1))),
    ]


def test_only_messages_of_the_archive_can_be_recognised(work: Work) -> None:
    recorder, mailbox_id = begin(work.archive)
    unknown = Recognition(Uid(9), Digest.of(b"never seen"), build_flags(), None)

    with pytest.raises(MessageMissing):
        recorder.add(mailbox_id, build_batch(recognised=(unknown,)))
    recorder.abandon()


@dataclass
class Streamed:
    """Octets that are not in memory."""

    octets: bytes
    discarded: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.octets)

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.octets), 1000):
            yield self.octets[start : start + 1000]

    def discard(self) -> None:
        self.discarded.append("discarded")


def streamed_arrival(octets: StreamedOctets) -> Arrival:
    return Arrival(Uid(1), octets, build_flags(), INTERNAL_DATE)


def test_a_streamed_message_is_discarded_once_it_is_stored(work: Work) -> None:
    streamed = Streamed(build_message(1, body="x" * 5000))

    work.sync(build_batch(arrived=[streamed_arrival(streamed)]))

    assert streamed.discarded == ["discarded"]
    assert work.archive.content.get(Digest.of(streamed.octets)) == streamed.octets


def test_a_streamed_message_is_discarded_when_the_run_is_abandoned(work: Work) -> None:
    streamed = Streamed(build_message(1))
    recorder, mailbox_id = begin(work.archive)
    recorder.add(mailbox_id, build_batch(arrived=[streamed_arrival(streamed)]))

    recorder.abandon()

    assert streamed.discarded == ["discarded"]


def test_more_messages_than_fit_in_a_group_are_all_stored(work: Work) -> None:
    work.sync(*(build_batch(arrived=range(n, n + 300)) for n in range(1, 2401, 300)))

    assert work.uids() == list(range(1, 2401))
    placed = [len(each.placed) for each in changes(work.archive)]
    assert sum(placed) == 2400
    assert max(placed) <= 1300


def test_many_small_changes_are_more_than_one_commit(work: Work) -> None:
    work.sync(build_batch(arrived=range(1, 401)))
    digests = [Digest.of(build_message(uid)) for uid in range(1, 401)]
    before = len(journal(work.archive))

    def again(first: int) -> tuple[Recognition, ...]:
        return tuple(
            Recognition(Uid(first + number), digest, build_flags(), None)
            for number, digest in enumerate(digests)
        )

    work.sync(*(build_batch(2, recognised=again(first)) for first in range(1, 6002, 400)))

    assert len(journal(work.archive)) - before == 2
    assert next(work.archive.catalog.mailboxes()).messages == 6800


def test_a_mailbox_is_described_only_when_something_changed(work: Work) -> None:
    recorder = work.archive.start_run()
    account_id = recorder.account("work", "imap")
    mailbox_id = recorder.describe(account_id, named("A"))
    recorder.finish(0)
    before = len(journal(work.archive)[0].records)
    again = work.archive.start_run()
    assert again.account("work", "imap") == account_id
    assert again.describe(account_id, named("A"), mailbox_id=mailbox_id) == mailbox_id
    again.finish(0)

    assert before == 4
    assert [type(each) for each in journal(work.archive)[1].records] == [
        RunStarted,
        RunFinished,
    ]


def test_mailboxes_and_accounts_get_numbers_of_their_own(work: Work) -> None:
    recorder = work.archive.start_run()
    accounts = [recorder.account(name, "imap") for name in ("a", "b", "a")]
    mailboxes = [recorder.describe(accounts[0], named(name)) for name in ("A", "B")]
    recorder.finish(0)
    later = work.archive.start_run()

    assert accounts == [1, 2, 1]
    assert mailboxes == [1, 2]
    assert later.account("c", "pop3") == 3
    assert later.describe(3, named("C")) == 3
    later.abandon()


def test_an_attribute_that_changed_is_recorded(work: Work) -> None:
    recorder, mailbox_id = begin(work.archive)
    sent = Mailbox(
        MailboxName(("Sent",)),
        special_use="\\Sent",
        is_subscribed=True,
        attributes=frozenset({"\\HasNoChildren"}),
        is_selectable=False,
    )
    recorder.describe(1, sent, mailbox_id=mailbox_id)
    recorder.finish(0)

    (view,) = work.archive.catalog.mailboxes()
    assert (view.name, view.special_use, view.is_subscribed) == (sent.name, "\\Sent", True)
    assert (view.attributes, view.is_selectable) == (sent.attributes, False)


def test_a_date_without_a_utc_is_no_date(work: Work) -> None:
    before_all_time = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    arrival = Arrival(Uid(1), build_message(1), build_flags(), before_all_time)

    work.sync(build_batch(arrived=[arrival]))

    assert work.present()[1].internal_date is None


def test_an_archive_opened_again_numbers_runs_on(work: Work) -> None:
    first = work.sync(build_batch(arrived=[1]))
    work.archive.close()

    with open_again(work.archive.path, writing=True) as archive:
        recorder = archive.start_run()
        assert recorder.run == first + 1
        recorder.abandon()


def test_processes_are_started_for_much_mail_only(work: Work) -> None:
    recorder, mailbox_id = begin(work.archive)
    few = [build_arrival(uid) for uid in range(1, 11)]
    recorder.add(mailbox_id, build_batch(arrived=few))
    recorder.flush()
    assert not has_workers(work.archive)

    recorder.add(mailbox_id, build_batch(arrived=[large_arrival(11), large_arrival(12)]))

    assert has_workers(work.archive)
    recorder.finish(0)
    held = list(work.archive.catalog.placements())
    assert len(held) == 12
    assert all(work.archive.content.prove(each.digest) == each.size for each in held)


def has_workers(archive: Archive) -> bool:
    assert isinstance(archive.content, SqliteStore)
    return archive.content._workers is not None


def large_arrival(uid: int) -> Arrival:
    octets = b"Subject: %d\r\n\r\n" % uid + random.Random(uid).randbytes(1_500_000)
    return Arrival(Uid(uid), octets, frozenset(), INTERNAL_DATE)
