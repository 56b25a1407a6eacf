"""Messages are chosen by mailbox, time and run."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Arrival, Batch, Cursor, Mailbox, MailboxName, RunNumber, Uid
from mailvault.operations.selection import Selection
from mailvault.wiring import SystemClock

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)
INBOX, GONE = MailboxName(("INBOX",)), MailboxName(("Gone",))


def arrival(uid: int, octets: bytes, date: datetime | None) -> Arrival:
    return Arrival(Uid(uid), octets, frozenset(), date)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """Run 1: a, b and c on three days, d in another mailbox. Run 2: e; a and that are gone."""
    with Archive.create(tmp_path / "archive", clock=SystemClock()) as archive:
        recorder = archive.start_run()
        account = recorder.account("work", "imap")
        inbox = recorder.describe(account, Mailbox(INBOX))
        gone = recorder.describe(account, Mailbox(GONE))
        days = [arrival(n, o, NOON + n * DAY) for n, o in ((1, b"a"), (2, b"b"), (3, b"c"))]
        recorder.add(inbox, Batch(1, Cursor("1"), arrived=tuple(days), is_complete=True))
        recorder.add(
            gone, Batch(1, Cursor("1"), arrived=(arrival(1, b"d", NOON),), is_complete=True)
        )
        recorder.finish(0)
        recorder = archive.start_run()
        account = recorder.account("work", "imap")
        dated = b"Date: Tue, 06 Jan 2026 12:00:00 +0000\r\n\r\ne"
        recorder.add(
            inbox, Batch(1, Cursor("2"), arrived=(arrival(4, dated, None),), expunged=(Uid(1),))
        )
        recorder.gone(gone)
        recorder.finish(0)
        yield archive


def chosen(archive: Archive, selection: Selection) -> list[str]:
    sizes = [(str(view.mailbox), view.uid) for view in selection.placements(archive)]
    return [f"{mailbox}:{uid}" for mailbox, uid in sizes]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ["INBOX:2", "INBOX:3", "INBOX:4"]),
        (Selection(account="other"), []),
        (Selection(at=RunNumber(1)), ["INBOX:1", "INBOX:2", "INBOX:3", "Gone:1"]),
        (Selection(gone=True), ["INBOX:1", "Gone:1"]),
        (Selection(gone=True, globs=MailboxGlobs(["Go*"])), ["Gone:1"]),
        (Selection(since=NOON + 3 * DAY), ["INBOX:3"]),
        (Selection(before=NOON + 3 * DAY), ["INBOX:2", "INBOX:4"]),
        (Selection(since=NOON + DAY, before=NOON + 2 * DAY), ["INBOX:4"]),
        (Selection(brought_by=RunNumber(1)), ["INBOX:2", "INBOX:3"]),
        (Selection(brought_by=RunNumber(2)), ["INBOX:4"]),
        (Selection(brought_by=RunNumber(9)), []),
    ],
    ids=str,
)
def test_these_are_chosen(archive: Archive, selection: Selection, expected: list[str]) -> None:
    assert chosen(archive, selection) == sorted(expected, key=lambda each: each[:1] != "I")


def test_mailboxes_that_are_gone_are_named_only_where_asked_for(archive: Archive) -> None:
    assert [view.name for view in Selection().mailboxes(archive)] == [INBOX]
    assert [view.name for view in Selection(gone=True).mailboxes(archive)] == [INBOX, GONE]
