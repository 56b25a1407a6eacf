"""The questions that commands ask of a catalog."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.catalog import placements
from mailvault.archive.catalog.views import PeriodView, PlacementView, RunMailboxView
from mailvault.errors import ArchiveDamaged
from mailvault.mail.changes import MailboxFinished
from mailvault.mail.model import INBOX, Digest
from mailvault.mail.parts import Attachment
from tests.unit.archive.builders import (
    BEGINNING,
    INTERNAL_DATE,
    Work,
    build_arrival,
    build_batch,
    build_message,
    named,
    open_again,
)

WITH_ATTACHMENT = (
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
    b'Content-Type: application/pdf; name="a.pdf"\r\n'
    b"Content-Disposition: attachment\r\n\r\nPDF\r\n--b--\r\n"
)


def test_a_placement_shows_what_the_message_says(work: Work) -> None:
    work.sync(build_batch(7, arrived=[build_arrival(5, "\\Seen")]))

    (view,) = work.archive.catalog.placements()

    assert (view.account, view.mailbox, view.uidvalidity, view.uid) == ("work", INBOX, 7, 5)
    assert view.digest == Digest.of(build_message(5))
    assert view.size == len(build_message(5))
    assert view.internal_date == INTERNAL_DATE
    assert view.date == INTERNAL_DATE
    assert view.message_id == "<5@example.com>"
    assert (view.from_, view.subject) == ("Ada <ada@example.com>", "On lifting 5")
    assert BEGINNING < view.first_seen < BEGINNING + timedelta(seconds=9)
    assert view.gone_since is None
    assert view.remote_id == "5"


def test_a_message_shows_its_attachments_and_every_placement(work: Work) -> None:
    work.sync(
        build_batch(arrived=[build_arrival(uid, octets=WITH_ATTACHMENT) for uid in (1, 2)]),
        build_batch(expunged=[1]),
    )

    view = work.archive.catalog.message(Digest.of(WITH_ATTACHMENT))

    assert view is not None
    assert view.subject == "Grüße"
    assert view.attachments == (Attachment("a.pdf", "application/pdf", 3),)
    assert [(each.uid, each.gone_since is None) for each in view.placements] == [
        (1, False),
        (2, True),
    ]


def test_a_message_that_was_never_placed_is_unknown(archive: Archive) -> None:
    assert archive.catalog.message(Digest.of(b"")) is None


def test_a_message_that_cannot_be_read_is_listed_all_the_same(work: Work) -> None:
    octets = bytes(range(256)) * 4
    work.sync(
        build_batch(arrived=[build_arrival(1, octets=octets), build_arrival(2, octets=b"")])
    )

    views = list(work.archive.catalog.placements())

    assert [view.size for view in views] == [1024, 0]
    assert views[1].subject is None


def test_a_digest_is_found_by_any_prefix(work: Work) -> None:
    work.sync(build_batch(arrived=range(1, 60)))
    digests = sorted(Digest.of(build_message(number)) for number in range(1, 60))
    catalog = work.archive.catalog

    for digest in digests:
        for length in (1, 2, 3, 7, 63, 64):
            prefix = str(digest)[:length]
            matches = [each for each in digests if str(each).startswith(prefix)]
            assert catalog.find_digest(prefix, limit=100) == matches
    assert catalog.find_digest("", limit=3) == digests[:3]
    with pytest.raises(ValueError, match="hex"):
        catalog.find_digest("xyz")


def test_a_list_longer_than_a_page_is_complete(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placements, "PAGE", 3)
    for uidvalidity in (7, 8):
        work.sync(build_batch(uidvalidity, arrived=range(1, 12)))
    work.sync(build_batch(8, expunged=[2, 3, 4, 5, 6]))

    catalog = work.archive.catalog
    listed = [(view.uidvalidity, view.uid) for view in catalog.placements()]

    assert listed == [(7, uid) for uid in range(1, 12)] + [
        (8, uid) for uid in (1, 7, 8, 9, 10, 11)
    ]
    assert [view.uid for view in catalog.placements(gone=True)] == [2, 3, 4, 5, 6]
    assert len(list(catalog.digests())) == 11


def test_a_list_goes_on_while_a_run_commits(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placements, "PAGE", 2)
    work.sync(build_batch(arrived=range(1, 8)))

    listing = work.archive.catalog.placements()
    seen = [next(listing).uid]
    work.sync(build_batch(arrived=[8], flags={1: ("\\Seen",)}))
    seen += [view.uid for view in listing]

    assert seen == list(range(1, 9))


def test_a_list_can_be_narrowed(archive: Archive) -> None:
    recorder = archive.start_run()
    ids = {}
    for account in ("a", "b"):
        account_id = recorder.account(account, "imap")
        for name in ("INBOX", "Archive", "Zoo"):
            ids[account, name] = recorder.describe(account_id, named(name))
            recorder.add(ids[account, name], build_batch(arrived=[len(ids)]))
    recorder.finish(0)
    catalog = archive.catalog

    def names(views: Iterable[PlacementView]) -> list[str]:
        return [f"{view.account}/{view.mailbox}" for view in views]

    assert names(catalog.placements()) == [
        "a/INBOX",
        "a/Archive",
        "a/Zoo",
        "b/INBOX",
        "b/Archive",
        "b/Zoo",
    ]
    assert names(catalog.placements(account="b")) == ["b/INBOX", "b/Archive", "b/Zoo"]
    assert names(catalog.placements(mailbox_ids={ids["a", "Zoo"], ids["b", "INBOX"]})) == [
        "a/Zoo",
        "b/INBOX",
    ]
    assert names(catalog.placements(account="nobody")) == []
    assert names(catalog.placements(digest=Digest.of(build_message(2)))) == ["a/Archive"]


def test_the_log_tells_what_each_run_changed(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))
    recorder = work.archive.start_run()
    recorder.add(work.mailbox_id, build_batch(arrived=[2]))
    recorder.mailbox_finished(MailboxFinished(work.mailbox_id, 1, 2, 3, 4, 5, 1.2345, "broken"))
    recorder.account_finished(work.account_id, "broken")
    recorder.finish(10)

    second, first = work.archive.catalog.runs()

    assert (first.run, second.run) == (1, 2)
    assert (first.exit_code, second.exit_code) == (0, 10)
    (account,) = second.accounts
    assert (account.account, account.error) == ("work", "broken")
    assert account.mailboxes == (RunMailboxView(INBOX, 1, 2, 3, 4, 5, 1.234, "broken"),)
    assert first.finished_at is not None
    assert first.started_at < first.finished_at < second.started_at


def test_a_time_has_the_runs_that_ended_in_it_and_what_arrived(work: Work) -> None:
    def run(arrived: int, error: str | None) -> None:
        recorder = work.archive.start_run()
        finished = MailboxFinished(work.mailbox_id, arrived, 0, 0, 0, arrived * 100, 0.1)
        recorder.mailbox_finished(finished)
        recorder.account_finished(work.account_id, error)
        recorder.finish(10 if error else 0)

    work.sync(build_batch(arrived=[1]))
    run(1, None)
    run(2, "broken")
    run(4, None)
    catalog = work.archive.catalog
    last, _, first, before = (each.finished_at for each in catalog.runs())
    assert last is not None
    assert first is not None
    assert before is not None

    assert catalog.periods(before, last) == [PeriodView("work", 2, 1, 7, 700)]
    assert catalog.periods(first, last) == [PeriodView("work", 1, 1, 6, 600)]
    assert catalog.periods(last, last + timedelta(days=1)) == [PeriodView("work", 0, 0, 0, 0)]


def test_what_a_killed_run_brought_counts_once_it_is_known_to_be_dead(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))
    (before,) = (each.finished_at for each in work.archive.catalog.runs())
    assert before is not None
    killed = work.archive.start_run()
    killed.mailbox_finished(MailboxFinished(work.mailbox_id, 8, 0, 0, 0, 800, 0.1))
    killed.add(work.mailbox_id, build_batch(arrived=[2]))
    killed.flush()
    end = BEGINNING + timedelta(days=1)
    assert work.archive.catalog.periods(before, end) == [PeriodView("work", 0, 0, 0, 0)]

    work.archive.start_run().finish(0)

    assert work.archive.catalog.periods(before, end) == [PeriodView("work", 0, 0, 8, 800)]


def test_the_log_can_be_narrowed_and_limited(archive: Archive) -> None:
    for name in ("a", "b", "a", "a"):
        recorder = archive.start_run()
        recorder.account_finished(recorder.account(name, "imap"), None)
        recorder.finish(0)
    catalog = archive.catalog

    assert [view.run for view in catalog.runs("a")] == [4, 3, 1]
    assert [view.run for view in catalog.runs("b")] == [2]
    assert [view.run for view in catalog.runs(limit=2)] == [4, 3]
    assert [view.run for view in catalog.runs("a", limit=1)] == [4]


def test_a_long_log_is_complete(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailvault.archive.catalog.history._PAGE", 3)
    for _ in range(8):
        archive.start_run().finish(0)

    assert [view.run for view in archive.catalog.runs()] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert len(list(archive.catalog.runs(limit=7))) == 7


def test_a_time_means_the_last_run_begun_by_then(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))
    work.sync(build_batch(arrived=[2]))
    second, first = work.archive.catalog.runs()
    catalog = work.archive.catalog

    assert catalog.run_at(first.started_at - timedelta(seconds=1)) is None
    assert catalog.run_at(first.started_at) == 1
    assert catalog.run_at(second.started_at - timedelta(microseconds=1)) == 1
    assert catalog.run_at(second.started_at + timedelta(days=1)) == 2


def test_a_debt_counts_its_attempts(work: Work) -> None:
    work.sync(build_batch(unreadable=[3]))
    work.sync(build_batch(unreadable=[3, 4]))

    first, second = work.archive.catalog.debts("work")

    assert (first.uid, first.attempts, second.uid, second.attempts) == (3, 2, 4, 1)
    assert (first.account, first.mailbox) == ("work", INBOX)
    assert first.reason == "the server would not give it"
    assert first.owed_since < second.owed_since
    assert work.archive.catalog.debts("another") == []


def test_a_settled_debt_can_be_owed_again(work: Work) -> None:
    work.sync(build_batch(unreadable=[3]))
    work.sync(build_batch(arrived=[3]))
    assert work.archive.catalog.debts() == []

    work.sync(build_batch(expunged=[3], unreadable=[3]))
    assert [debt.attempts for debt in work.archive.catalog.debts()] == [2]


def test_a_suspicion_stands_until_it_is_accepted(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))
    recorder = work.archive.start_run()
    recorder.suspect(work.account_id, work.mailbox_id, "it was emptied")
    recorder.suspect(work.account_id, None, "nothing is listed")
    recorder.finish(3)
    catalog = work.archive.catalog

    assert [(each.mailbox, each.reason, each.run) for each in catalog.suspicions()] == [
        (INBOX, "it was emptied", 2),
        (None, "nothing is listed", 2),
    ]
    assert catalog.status().accounts[0].suspicions == 2
    accepting = work.archive.start_run()
    accepting.accept(work.account_id)
    accepting.finish(0)
    assert catalog.suspicions("work") == []


def test_the_status_sums_up_every_account(archive: Archive) -> None:
    recorder = archive.start_run()
    good, bad = recorder.account("good", "imap"), recorder.account("bad", "pop3")
    for account_id in (good, bad):
        mailbox_id = recorder.describe(account_id, named("INBOX"))
        recorder.add(mailbox_id, build_batch(arrived=[1, 2], unreadable=[account_id + 7]))
    recorder.account_finished(good, None)
    recorder.account_finished(bad, "it went away")
    recorder.finish(10)

    status = archive.catalog.status()

    octets = len(build_message(1)) + len(build_message(2))
    assert (status.messages, status.placements, status.octets) == (2, 4, octets)
    failed, succeeded = status.accounts
    assert (failed.account, failed.protocol, failed.last_error) == (
        "bad",
        "pop3",
        "it went away",
    )
    assert failed.last_run is not None
    assert failed.last_success is None
    assert succeeded.last_success == succeeded.last_run is not None
    assert (succeeded.messages, succeeded.octets, succeeded.debts) == (2, octets, 1)


def test_a_catalog_that_is_damaged_says_so(work: Work) -> None:
    work.sync(build_batch(arrived=range(1, 200)))
    work.archive.close()
    path = work.archive.path / "catalog.db"
    octets = path.read_bytes()
    path.write_bytes(octets[:20000] + bytes(len(octets) - 20000))

    with (
        pytest.raises(ArchiveDamaged, match=r"catalog\.db is damaged") as caught,
        open_again(work.archive.path) as archive,
    ):
        list(archive.catalog.placements())
    assert caught.value.hint == "make the catalog anew with: mailvault rebuild"
