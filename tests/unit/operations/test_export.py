from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.recorder import Recorder
from mailvault.destinations.maildir import MaildirDestination
from mailvault.errors import ArchiveDamaged, DestinationError, NoSpace
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import (
    SEEN,
    Arrival,
    Batch,
    Cursor,
    Digest,
    Flags,
    FlagsChange,
    Mailbox,
    MailboxName,
    Octets,
    RunNumber,
    Uid,
)
from mailvault.operations.export import ExportedMailbox, export
from mailvault.operations.selection import Selection
from mailvault.ports import ContentStore
from mailvault.wiring import SystemClock

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
INBOX = MailboxName(("INBOX",))
SENT = MailboxName(("Sent",))
EMPTY = MailboxName(("Empty",))
BIG = b"Subject: big\r\n\r\n" + b"0123456789abcde\n" * 200_000


@dataclass
class Kept:
    """A destination in memory; some octets and some mailboxes it cannot take."""

    refuses: bytes | None = None
    refuses_mailbox: MailboxName | None = None
    is_full: bool = False
    messages: list[tuple[str, bytes, Flags, datetime | None]] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def create(self, mailbox: MailboxName) -> None:
        if mailbox == self.refuses_mailbox:
            raise DestinationError(f"{mailbox} cannot be written")
        self.made.append(str(mailbox))

    def append(
        self,
        mailbox: MailboxName,
        octets: Octets,
        *,
        flags: Flags,
        internal_date: datetime | None,
    ) -> None:
        whole = octets if isinstance(octets, bytes) else b"".join(octets.chunks())
        if whole == self.refuses:
            raise DestinationError("a message cannot be written")
        if self.is_full:
            raise NoSpace("no space left")
        self.messages.append((str(mailbox), whole, flags, internal_date))

    @property
    def octets(self) -> list[tuple[str, bytes]]:
        return [(mailbox, octets) for mailbox, octets, _, _ in self.messages]


def arrival(uid: int, octets: bytes, flags: Flags = frozenset()) -> Arrival:
    return Arrival(Uid(uid), octets, flags, NOON)


def fill(recorder: Recorder, account: str, name: MailboxName, *arrivals: Arrival) -> int:
    account_id = recorder.account(account, "imap")
    mailbox_id = recorder.describe(account_id, Mailbox(name))
    recorder.add(mailbox_id, Batch(1, Cursor("1"), arrived=arrivals, is_complete=True))
    return mailbox_id


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """Run 1: INBOX with a and b, Sent with a, Empty. Run 2: b is read, a expunged."""
    with Archive.create(tmp_path / "archive", clock=SystemClock()) as archive:
        recorder = archive.start_run()
        inbox = fill(recorder, "work", INBOX, arrival(1, b"a"), arrival(2, b"b"))
        fill(recorder, "work", SENT, arrival(7, b"a", frozenset({SEEN})))
        fill(recorder, "work", EMPTY)
        recorder.finish(0)
        recorder = archive.start_run()
        recorder.account("work", "imap")
        recorder.add(
            inbox,
            Batch(
                1,
                flags_changed=(FlagsChange(Uid(2), frozenset({SEEN})),),
                expunged=(Uid(1),),
            ),
        )
        recorder.finish(0)
        yield archive


def test_everything_that_is_there_is_exported(archive: Archive) -> None:
    kept = Kept()

    report = export(archive, kept)

    assert kept.messages == [
        ("INBOX", b"b", frozenset({SEEN}), NOON),
        ("Sent", b"a", frozenset({SEEN}), NOON),
    ]
    assert kept.made == ["Empty"]
    assert set(report.mailboxes) == {
        ExportedMailbox("work", INBOX, 1, 1),
        ExportedMailbox("work", SENT, 1, 1),
        ExportedMailbox("work", EMPTY, 0, 0),
    }
    assert report.exit_code == 0


def test_an_earlier_run_is_exported_as_it_was(archive: Archive) -> None:
    kept = Kept()

    export(archive, kept, Selection(at=RunNumber(1)))

    assert kept.messages == [
        ("INBOX", b"a", frozenset(), NOON),
        ("INBOX", b"b", frozenset(), NOON),
        ("Sent", b"a", frozenset({SEEN}), NOON),
    ]


def test_globs_choose_the_mailboxes(archive: Archive) -> None:
    kept = Kept()

    report = export(archive, kept, Selection(globs=MailboxGlobs(["Se*"])))

    assert kept.octets == [("Sent", b"a")]
    assert kept.made == []
    assert [each.mailbox for each in report.mailboxes] == [SENT]


def test_several_accounts_get_a_folder_each(archive: Archive) -> None:
    recorder = archive.start_run()
    fill(recorder, "home", INBOX, arrival(1, b"c"))
    recorder.finish(0)
    both, one = Kept(), Kept()

    export(archive, both)
    export(archive, one, Selection(account="home"))

    assert both.octets == [("home/INBOX", b"c"), ("work/INBOX", b"b"), ("work/Sent", b"a")]
    assert both.made == ["work/Empty"]
    assert one.octets == [("INBOX", b"c")]


def test_a_damaged_message_costs_only_itself(archive: Archive) -> None:
    class Damaged:
        def __init__(self, content: ContentStore) -> None:
            self._content = content

        def get(self, digest: Digest) -> Octets:
            if digest == Digest.of(b"b"):
                raise ArchiveDamaged("not what was stored")
            return self._content.get(digest)

    archive.content = Damaged(archive.content)  # type: ignore[assignment]  # an export only reads
    kept = Kept()

    report = export(archive, kept)

    assert kept.octets == [("Sent", b"a")]
    (failure,) = report.failures
    assert (failure.digest, failure.mailbox) == (Digest.of(b"b"), INBOX)
    assert failure.reason == "not what was stored"
    assert report.exit_code == 3


def test_a_message_the_destination_cannot_take_costs_only_itself(archive: Archive) -> None:
    kept = Kept(refuses=b"b", refuses_mailbox=EMPTY)

    report = export(archive, kept)

    assert kept.octets == [("Sent", b"a")]
    assert [(each.digest, each.mailbox) for each in report.failures] == [
        (None, EMPTY),
        (Digest.of(b"b"), INBOX),
    ]
    assert report.exit_code == 3


def test_a_full_disk_ends_the_export(archive: Archive) -> None:
    with pytest.raises(NoSpace):
        export(archive, Kept(is_full=True))


def test_a_big_message_leaves_no_spool_behind(archive: Archive) -> None:
    recorder = archive.start_run()
    fill(recorder, "work", MailboxName(("Big",)), arrival(1, BIG))
    recorder.finish(0)
    kept = Kept(refuses=BIG)

    export(archive, kept)
    kept.refuses = None
    export(archive, kept)

    assert ("Big", BIG) in kept.octets
    assert list(archive.tmp.iterdir()) == []


def test_a_mailbox_that_only_leads_to_others_is_not_made(archive: Archive) -> None:
    recorder = archive.start_run()
    account_id = recorder.account("work", "imap")
    recorder.describe(account_id, Mailbox(MailboxName(("Parent",)), is_selectable=False))
    recorder.finish(0)
    kept = Kept()

    export(archive, kept)

    assert kept.made == ["Empty"]


def test_an_export_to_files_can_be_read_and_repeated(archive: Archive, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    for _ in range(2):
        with MaildirDestination(folder, outside=archive.path) as destination:
            export(archive, destination)

    found = sorted(path for path in folder.rglob("*") if path.parent.name == "cur")
    assert [path.read_bytes() for path in found] == [b"a", b"b"]
    assert [path.name.rpartition(":")[2] for path in found] == ["2,S", "2,S"]
    assert (folder / ".Empty" / "cur").is_dir()


@pytest.mark.parametrize("inside", [".", "out", "content/../out"])
def test_an_export_into_the_archive_is_refused(archive: Archive, inside: str) -> None:
    before = sorted(archive.path.rglob("*"))

    with pytest.raises(DestinationError, match="inside the archive"):
        MaildirDestination(archive.path / inside, outside=archive.path).__enter__()

    assert sorted(archive.path.rglob("*")) == before
