"""The catalog is an index: delete it, and it is made again, equal."""

import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mailvault.archive.archive import Archive
from mailvault.archive.rebuild import rebuild_catalog
from mailvault.errors import ArchiveDamaged, ArchiveLocked, ArchiveMissing
from mailvault.mail.changes import JobEnded, MailboxFinished
from mailvault.mail.model import Batch, Digest, Recognition, RunNumber, Uid
from tests.flags import build_flags
from tests.unit.archive.builders import (
    BEGINNING,
    SteppingClock,
    Work,
    build_arrival,
    build_batch,
    build_message,
    create,
    named,
    open_again,
)
from tests.unit.archive.dump import dump


def rebuild(folder: Path) -> None:
    rebuild_catalog(folder, clock=SteppingClock())


def eventful(work: Work) -> None:
    """Something of every kind."""
    work.sync(build_batch(7, arrived=[1, 2, 3], unreadable=[4], cursor="c1"))
    work.sync(build_batch(7, flags={1: ("\\Seen",)}, expunged=[2], arrived=[4]), exit_code=3)
    recorder = work.archive.start_run()
    recorder.describe(work.account_id, named("Renamed"), mailbox_id=work.mailbox_id)
    other = recorder.describe(recorder.account("ällo", "pop3"), named("A/B"))
    recorder.add(other, build_batch(arrived=[1, build_arrival(2, "$Forwarded")]))
    recorder.mailbox_finished(MailboxFinished(other, 2, 0, 0, 0, 900, 0.1234567, "slow"))
    recorder.suspect(work.account_id, work.mailbox_id, "renamed")
    recorder.account_finished(work.account_id, "it went away")
    recorder.flush()
    recorder.abandon()
    work.archive.note_job(
        JobEnded("verify", BEGINNING, BEGINNING, 4, "ällo", 5, 1 << 40, "sample 2%")
    )
    work.sync(build_batch(8, arrived=[11, build_arrival(12, octets=build_message(1))]))
    work.sync(build_batch(8, is_complete=True))


def test_a_deleted_catalog_is_made_again_equal(work: Work) -> None:
    eventful(work)
    work.archive.close()
    before = dump(work.archive.path)
    (work.archive.path / "catalog.db").unlink()

    rebuild(work.archive.path)

    assert dump(work.archive.path) == before
    with open_again(work.archive.path, writing=True) as archive:
        assert list(archive.check()) == []
        Work(archive, work.mailbox_id, work.account_id).sync(build_batch(8, arrived=[13]))


def test_a_rebuild_reports_what_it_made(work: Work) -> None:
    work.sync(build_batch(arrived=[1, 2]))
    work.sync(build_batch(arrived=[3]))
    work.archive.close()
    told: list[int] = []

    rebuilt = rebuild_catalog(work.archive.path, clock=SteppingClock(), told=told.append)

    assert (rebuilt.groups, rebuilt.messages, rebuilt.unindexed) == (2, 3, 0)
    assert told == [1, 2]


def test_messages_that_the_store_lost_are_listed_all_the_same(work: Work) -> None:
    work.sync(build_batch(arrived=[1, 2]))
    work.archive.close()
    shutil.rmtree(work.archive.path / "content")

    rebuilt = rebuild_catalog(work.archive.path, clock=SteppingClock())

    assert rebuilt.unindexed == 2
    with open_again(work.archive.path) as archive:
        assert [(p.uid, p.subject) for p in archive.catalog.placements()] == [
            (1, None),
            (2, None),
        ]


def test_a_broken_journal_leaves_the_old_catalog(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))
    work.sync(build_batch(arrived=[2]))
    work.archive.close()
    before = dump(work.archive.path)
    (journal,) = (work.archive.path / "journal").iterdir()
    octets = bytearray(journal.read_bytes())
    octets[60] ^= 1
    journal.write_bytes(octets)

    with pytest.raises(ArchiveDamaged, match=r"00000001\.zst is damaged at octet 0"):
        rebuild(work.archive.path)

    assert dump(work.archive.path) == before


def test_a_rebuild_needs_the_lock(archive: Archive) -> None:
    with pytest.raises(ArchiveLocked):
        rebuild(archive.path)


def test_a_folder_without_a_journal_cannot_be_rebuilt(folder: Path) -> None:
    folder.mkdir()

    with pytest.raises(ArchiveMissing, match="holds no archive"):
        rebuild(folder)


@dataclass
class Model:
    """What a mailbox should hold, told in the plainest way."""

    uidvalidity: int = 1
    present: dict[int, tuple[int, frozenset[str]]] = field(default_factory=dict)

    def snapshot(self) -> dict[int, tuple[int, frozenset[str]]]:
        return dict(self.present)


uids = st.integers(1, 6)
names = st.sampled_from([(), ("\\Seen",), ("$a", "\\Seen"), ("\\Flagged",)])


class Histories(RuleBasedStateMachine):
    """Any history of a mailbox is listed as it was at every run, and survives a rebuild."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp()) / "archive"
        self.work = Work(create(self.folder))
        self.model = Model()
        self.batches: list[Batch] = []
        self.past: dict[RunNumber, dict[int, tuple[int, frozenset[str]]]] = {}

    def teardown(self) -> None:
        self.work.archive.close()
        shutil.rmtree(self.folder.parent)

    def add(self, batch: Batch) -> None:
        self.batches.append(batch)

    @rule(uid=uids, octets=uids, flags=names)
    def arrive(self, uid: int, octets: int, flags: tuple[str, ...]) -> None:
        arrival = build_arrival(uid, *flags, octets=build_message(octets))
        self.add(build_batch(self.model.uidvalidity, arrived=[arrival]))
        self.model.present[uid] = (octets, frozenset(flags))

    @rule(uid=uids)
    def expunge(self, uid: int) -> None:
        self.add(build_batch(self.model.uidvalidity, expunged=[uid]))
        self.model.present.pop(uid, None)

    @rule(uid=uids, flags=names)
    def reflag(self, uid: int, flags: tuple[str, ...]) -> None:
        self.add(build_batch(self.model.uidvalidity, flags={uid: flags}))
        if uid in self.model.present:
            self.model.present[uid] = (self.model.present[uid][0], frozenset(flags))

    @rule(uid=uids)
    def owe(self, uid: int) -> None:
        self.add(build_batch(self.model.uidvalidity, unreadable=[uid]))

    @rule(step=st.sampled_from([1, -1]))
    def renumber(self, step: int) -> None:
        """Every message gets a new UID under another UIDVALIDITY."""
        self.model.uidvalidity = max(1, self.model.uidvalidity + step)
        moved = {
            10 + number: value
            for number, value in enumerate(sorted(self.model.present.values(), key=repr))
        }
        arrived = [
            build_arrival(uid, *flags, octets=build_message(octets))
            for uid, (octets, flags) in moved.items()
        ]
        kept = [uid for uid in self.model.present if uid not in moved]
        self.add(build_batch(self.model.uidvalidity, arrived=arrived))
        self.add(build_batch(self.model.uidvalidity, expunged=kept, is_complete=True))
        self.model.present = moved

    @rule()
    def end_run(self) -> None:
        run = self.work.sync(*self.batches)
        self.batches = []
        self.past[run] = self.model.snapshot()

    @precondition(lambda self: self.past)
    @rule()
    def rebuild_it(self) -> None:
        self.end_run()
        self.work.archive.close()
        before = dump(self.folder)
        rebuild(self.folder)
        assert dump(self.folder) == before
        self.work.archive = open_again(self.folder, writing=True)

    @precondition(lambda self: self.past)
    @invariant()
    def every_run_is_as_it_was(self) -> None:
        if self.batches:
            return
        for run, expected in self.past.items():
            assert self.listed(run) == expected
        assert self.listed(None) == self.model.present
        (mailbox,) = self.work.archive.catalog.mailboxes()
        assert mailbox.messages == len(self.model.present)
        assert mailbox.octets == sum(
            len(build_message(octets)) for octets, _ in self.model.present.values()
        )

    def listed(self, at: RunNumber | None) -> dict[int, tuple[int, frozenset[str]]]:
        numbers = {Digest.of(build_message(number)): number for number in range(1, 7)}
        found: dict[int, list[tuple[int, frozenset[str]]]] = defaultdict(list)
        for view in self.work.archive.catalog.placements(at=at):
            found[view.uid].append((numbers[view.digest], view.flags))
        assert all(len(each) == 1 for each in found.values())
        return {uid: each[0] for uid, each in found.items()}


Histories.TestCase.settings = settings(
    max_examples=6, stateful_step_count=15, deadline=None, print_blob=True
)
TestHistories = Histories.TestCase


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_long_histories_survive_rebuilds() -> None:
    run_state_machine_as_test(
        Histories, settings=settings(max_examples=100, stateful_step_count=40, deadline=None)
    )


def test_recognised_messages_survive_a_rebuild(work: Work) -> None:
    work.sync(build_batch(1, arrived=[1]))
    digest = Digest.of(build_message(1))
    work.sync(
        build_batch(2, recognised=(Recognition(Uid(5), digest, build_flags("$x"), None),)),
        build_batch(2, is_complete=True),
    )
    work.archive.close()
    before = dump(work.archive.path)

    rebuild(work.archive.path)

    assert dump(work.archive.path) == before
