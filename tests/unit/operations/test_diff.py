"""What is different between two runs: told completely, and moves and renames as such."""

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from mailvault.archive.archive import Archive
from mailvault.archive.catalog.views import PlacementView
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Arrival, Batch, Flags, MailboxName, RunNumber
from mailvault.operations.diff import ChangeKind, MailboxChange, MessageChange, diff
from tests.flags import build_flags
from tests.unit.archive.builders import (
    build_arrival,
    build_batch,
    build_message,
    create,
    named,
)

NAMES = ("INBOX", "Archive", "Sent")


class Account:
    """An account with several mailboxes, of which each call of `sync` is a run."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.numbers: dict[str, int] = {}

    def sync(
        self, batches: dict[str, Batch], *, renamed: dict[str, str] | None = None
    ) -> RunNumber:
        recorder = self.archive.start_run()
        account_id = recorder.account("work", "imap")
        for old, new in (renamed or {}).items():
            number = self.numbers[new] = self.numbers.pop(old)
            recorder.describe(account_id, named(new), mailbox_id=number)
        for name, batch in batches.items():
            known = self.numbers.get(name)
            self.numbers[name] = recorder.describe(account_id, named(name), mailbox_id=known)
            recorder.add(self.numbers[name], batch)
        recorder.finish(0)
        return recorder.run

    def remove(self, name: str) -> RunNumber:
        recorder = self.archive.start_run()
        recorder.gone(self.numbers.pop(name))
        recorder.finish(0)
        return recorder.run

    def told(self, first: int, last: int, *globs: str) -> list[tuple[str, str, str]]:
        """Every change: its kind, and where it was before and after."""
        chosen = MailboxGlobs(globs) if globs else None
        changes = diff(self.archive, RunNumber(first), RunNumber(last), globs=chosen)
        return [(change.kind.value, *_places(change)) for change in changes]


def _places(change: MailboxChange | MessageChange) -> tuple[str, str]:
    if isinstance(change, MailboxChange):
        return str(change.before or "-"), str(change.after or "-")
    return tuple(  # type: ignore[return-value]  # two
        f"{each.mailbox}:{each.remote_id}" if each else "-"
        for each in (change.before, change.after)
    )


def letter(uid: int, number: int, *flags: str) -> Arrival:
    return build_arrival(uid, *flags, octets=build_message(number))


def test_what_arrived_and_went_is_told(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"INBOX": build_batch(arrived=[1, 2])})
    account.sync({"INBOX": build_batch(arrived=[3], expunged=[1])})

    assert account.told(1, 2) == [("gone", "INBOX:1", "-"), ("arrived", "-", "INBOX:3")]


def test_everything_is_new_since_before_the_first_run(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"INBOX": build_batch(arrived=[1])})

    assert account.told(0, 1) == [
        ("mailbox-created", "-", "INBOX"),
        ("arrived", "-", "INBOX:1"),
    ]


def test_a_move_is_one_change(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"INBOX": build_batch(arrived=[1]), "Archive": build_batch()})
    account.sync(
        {"INBOX": build_batch(expunged=[1]), "Archive": build_batch(arrived=[letter(9, 1)])}
    )

    assert account.told(1, 2) == [("moved", "INBOX:1", "Archive:9")]
    assert account.told(1, 2, "Archive") == [("moved", "INBOX:1", "Archive:9")]
    assert account.told(1, 2, "Sent") == []


def test_a_copy_is_an_arrival(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"INBOX": build_batch(arrived=[1]), "Archive": build_batch()})
    account.sync({"Archive": build_batch(arrived=[letter(9, 1)])})

    assert account.told(1, 2) == [("arrived", "-", "Archive:9")]


def test_one_of_two_copies_that_moved_is_one_move(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"INBOX": build_batch(arrived=[1, letter(2, 1)]), "Sent": build_batch()})
    account.sync(
        {
            "INBOX": build_batch(expunged=[1, 2]),
            "Sent": build_batch(arrived=[letter(5, 1)]),
        }
    )

    assert account.told(1, 2) == [("moved", "INBOX:1", "Sent:5"), ("gone", "INBOX:2", "-")]


def test_a_renamed_mailbox_takes_its_messages_along(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"Old": build_batch(arrived=[1, 2])})
    account.sync({}, renamed={"Old": "New"})

    assert account.told(1, 2) == [("mailbox-renamed", "Old", "New")]


def test_a_mailbox_that_went_is_told_with_its_messages(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"Old": build_batch(arrived=[1]), "INBOX": build_batch()})
    account.remove("Old")

    assert account.told(1, 2) == [("mailbox-gone", "Old", "-"), ("gone", "Old:1", "-")]


def test_what_came_and_went_in_between_is_not_told(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"INBOX": build_batch(arrived=[1])})
    account.sync({"INBOX": build_batch(arrived=[2], flags={1: ("\\Seen",)})})
    account.sync({"INBOX": build_batch(expunged=[2], flags={1: ()})})

    assert account.told(1, 3) == []
    assert account.told(1, 2) == [
        ("arrived", "-", "INBOX:2"),
        ("flags", "INBOX:1", "INBOX:1"),
    ]


def test_a_mailbox_numbered_anew_is_not_different(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"INBOX": build_batch(1, arrived=[1, 2])})
    again = [letter(11, 1, "\\Seen"), letter(12, 2)]
    account.sync({"INBOX": build_batch(2, arrived=again, is_complete=True)})

    assert account.told(1, 2) == [("flags", "INBOX:1", "INBOX:11")]


def test_flags_are_those_of_both_times(archive: Archive) -> None:
    account = Account(archive)
    account.sync({"INBOX": build_batch(arrived=[build_arrival(1, "\\Seen")])})
    account.sync({"INBOX": build_batch(flags={1: ("\\Flagged",)})})
    account.sync({"INBOX": build_batch(flags={1: ("\\Flagged", "$Later")})})

    (change,) = diff(archive, RunNumber(1), RunNumber(2))

    assert isinstance(change, MessageChange)
    assert change.before is not None
    assert change.after is not None
    assert change.before.flags == build_flags("\\Seen")
    assert change.after.flags == build_flags("\\Flagged")


Place = tuple[str, str, Flags]


class PatchMachine(RuleBasedStateMachine):
    """Whatever happens: what was, changed as `diff` says, is what is."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._archive = create(Path(self._folder.name) / "archive")
        self._account = Account(self._archive)
        self._runs = 0
        self._uids = dict.fromkeys(NAMES, 0)
        self._present: dict[str, dict[int, int]] = {name: {} for name in NAMES}
        self._names = dict(zip(NAMES, NAMES, strict=True))

    def teardown(self) -> None:
        for first in range(self._runs):
            assert self._patched(first) == self._snapshot(self._runs), first
        self._archive.close()
        self._folder.cleanup()

    @rule(
        arrivals=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 4)), max_size=4),
        expunges=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 9)), max_size=3),
        flags=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 9)), max_size=3),
        renamed=st.sampled_from((None, *NAMES[1:])),
    )
    def sync(
        self,
        arrivals: list[tuple[str, int]],
        expunges: list[tuple[str, int]],
        flags: list[tuple[str, int]],
        renamed: str | None,
    ) -> None:
        self._runs += 1
        renames = {}
        if renamed is not None and self._names[renamed] in self._account.numbers:
            new = f"{renamed}{self._runs}"
            renames = {self._names[renamed]: new}
            self._names[renamed] = new
        batches = {
            self._names[name]: self._batch(
                [number for box, number in arrivals if box == name],
                [choice for box, choice in expunges if box == name],
                [choice for box, choice in flags if box == name],
                name,
            )
            for name in NAMES
        }
        self._account.sync(batches, renamed=renames)

    def _batch(
        self, arrivals: list[int], expunges: list[int], flags: list[int], name: str
    ) -> Batch:
        present = self._present[name]
        gone = {sorted(present)[choice] for choice in expunges if choice < len(present)}
        for uid in gone:
            del present[uid]
        marked = {sorted(present)[choice] for choice in flags if choice < len(present)}
        arrived = []
        for number in arrivals:
            self._uids[name] += 1
            present[self._uids[name]] = number
            arrived.append(letter(self._uids[name], number))
        return build_batch(
            arrived=arrived,
            expunged=gone,
            flags=dict.fromkeys(marked, ("\\Seen", f"run{self._runs % 2}")),
        )

    def _patched(self, first: int) -> Counter[Place]:
        state = self._snapshot(first)
        for change in diff(self._archive, RunNumber(first), RunNumber(self._runs)):
            if isinstance(change, MailboxChange):
                if change.kind is ChangeKind.MAILBOX_RENAMED:
                    state = _renamed(state, change)
                continue
            if change.before is not None:
                state[self._now(change.before, first)] -= 1
            if change.after is not None:
                state[_place(change.after)] += 1
        return +state

    def _now(self, view: PlacementView, first: int) -> Place:
        """The place by the name that its mailbox has by now: renames come first."""
        mailbox = next(
            number for number, name in self._known(first).items() if name == view.mailbox
        )
        return str(self._known(self._runs)[mailbox]), str(view.digest), view.flags

    def _known(self, at: int) -> dict[int, MailboxName]:
        views = self._archive.catalog.mailboxes(at=RunNumber(at))
        return {view.mailbox_id: view.name for view in views}

    def _snapshot(self, at: int) -> Counter[Place]:
        return Counter(map(_place, self._archive.catalog.placements(at=RunNumber(at))))


def _place(view: PlacementView) -> Place:
    return str(view.mailbox), str(view.digest), view.flags


def _renamed(state: Counter[Place], change: MailboxChange) -> Counter[Place]:
    return Counter(
        {
            (str(change.after) if name == str(change.before) else name, digest, flags): count
            for (name, digest, flags), count in state.items()
        }
    )


TestPatching = PatchMachine.TestCase
TestPatching.settings = settings(max_examples=8, stateful_step_count=6, deadline=None)
