"""Prune, repair and rebuild are killed anywhere, and done by being repeated."""

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailvault.archive.rebuild import rebuild_catalog
from mailvault.mail.model import INBOX, Digest, Mailbox, Octets
from mailvault.operations.prune import PrunePolicy, plan_prune, prune
from mailvault.operations.repair import RepairAccount, repair
from mailvault.ports import Sought
from tests.server.damage import damage_messages
from tests.unit.archive.builders import (
    SteppingClock,
    Work,
    build_arrival,
    build_batch,
    build_message,
    create,
    open_again,
)
from tests.unit.archive.test_structure import facts, flip, journal_of
from tests.unit.archive.tiny_sync import run_traced

CALLS = "fsync,fdatasync,rename,unlink"
POLICY = PrunePolicy(keep_last=1)
FEW = (1, 3, 6, 10, 15, 21, 30, 45)
MANY = range(1, 200)


def octets(number: int) -> bytes:
    return build_message(number, body=random.Random(number).randbytes(9000).hex())


@dataclass
class Server:
    """A source that still has everything, under the UIDs of the archive."""

    messages: dict[int, bytes]
    globs: Sequence[str] = field(default_factory=list)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def mailboxes(self) -> Sequence[Mailbox]:
        return [Mailbox(INBOX)]

    def by_name(self, mailbox: Mailbox, sought: Sequence[Sought]) -> Iterator[Octets]:
        return (self.messages[each.uid] for each in sought if each.uid in self.messages)

    def by_message_id(self, mailbox: Mailbox, sought: Sequence[Sought]) -> Iterator[Octets]:
        return iter(())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve messages, of which the first six are gone and eight are damaged on the disk."""
    folder = tmp_path / "archive"
    with create(folder) as archive:
        work = Work(archive)
        arrived = [build_arrival(n, octets=octets(n)) for n in range(1, 13)]
        work.sync(build_batch(arrived=arrived, cursor="1"))
        work.sync(build_batch(expunged=range(1, 7), flags={7: ("\\Seen",)}, cursor="2"))
        work.sync(build_batch(arrived=[build_arrival(13, octets=octets(13))], cursor="3"))
    return folder


def prune_it(folder: Path, _confirm: object = None) -> None:
    with open_again(folder, writing=True) as archive:
        prune(archive, POLICY, plan_prune(archive, POLICY).digests)


def repair_it(folder: Path, _confirm: object = None) -> None:
    server = Server({number: octets(number) for number in range(1, 14)})
    account = RepairAccount("work", "imap", lambda _tmp: lambda: server)  # type: ignore[arg-type,return-value]  # all that repair asks for
    report = repair(folder, SteppingClock(), [account])
    assert report.lost == ()


def rebuild_it(folder: Path, _confirm: object = None) -> None:
    rebuild_catalog(folder, clock=SteppingClock())


def assert_whole(folder: Path, present: Sequence[int], gone: Sequence[int]) -> None:
    with open_again(folder, writing=True) as archive:
        work = Work(archive)
        assert list(archive.check()) == []
        assert (work.uids(), work.gone()) == (list(present), list(gone))
        assert work.flags(7) == ["\\Seen"]
        for number in (*present, *gone):
            assert archive.content.get(Digest.of(octets(number))) == octets(number)


def killed_everywhere(
    strace: str,
    folder: Path,
    places: Sequence[int],
    act: Callable[[Path, object], None],
    check: Callable[[Path], None],
) -> int:
    """Kill at each place, repeat, and check; say how many kills that was."""
    for kills, place in enumerate(places):
        tried = folder.with_name(f"killed-{place}")
        shutil.copytree(folder, tried)
        ended = run_traced(strace, f"{CALLS}:signal=SIGKILL:when={place}", tried, act)
        assert ended.status in (0, -9), ended
        act(tried, None)
        check(tried)
        shutil.rmtree(tried)
        if ended.status == 0:
            return kills
    return len(places)


def check_pruned(folder: Path) -> None:
    assert_whole(folder, range(7, 14), [])
    before = facts(folder)
    rebuild_it(folder)
    assert facts(folder) == before
    assert sum(path.stat().st_size for path in (folder / "content").iterdir()) < 200_000


def check_healed(folder: Path) -> None:
    assert_whole(folder, range(7, 14), range(1, 7))
    before = facts(folder)
    rebuild_it(folder)
    assert facts(folder) == before


def break_everything(folder: Path) -> None:
    """Damage eight messages and the journal, and lose what says which archive it is."""
    damage_messages(folder, [str(Digest.of(octets(number))) for number in range(3, 11)])
    flip(journal_of(folder), 0.4)
    (folder / "archive.toml").unlink()


@pytest.mark.parametrize("places", [FEW, pytest.param(MANY, marks=pytest.mark.torture)])
def test_a_prune_killed_anywhere_is_done_by_repeating_it(
    strace: str, folder: Path, places: Sequence[int]
) -> None:
    kills = killed_everywhere(strace, folder, places, prune_it, check_pruned)

    assert kills >= min(len(places), 4)


@pytest.mark.parametrize("places", [FEW, pytest.param(MANY, marks=pytest.mark.torture)])
def test_a_repair_killed_anywhere_is_done_by_repeating_it(
    strace: str, folder: Path, places: Sequence[int]
) -> None:
    break_everything(folder)

    kills = killed_everywhere(strace, folder, places, repair_it, check_healed)

    assert kills >= min(len(places), 5)


@pytest.mark.parametrize("places", [FEW, pytest.param(MANY, marks=pytest.mark.torture)])
def test_a_repair_without_a_catalog_killed_anywhere_is_done_by_repeating_it(
    strace: str, folder: Path, places: Sequence[int]
) -> None:
    damage_messages(folder, [str(Digest.of(octets(number))) for number in range(3, 11)])
    (folder / "catalog.db").write_bytes(b"no catalog at all")

    kills = killed_everywhere(strace, folder, places, repair_it, check_healed)

    assert kills >= min(len(places), 4)


@pytest.mark.parametrize("places", [FEW, pytest.param(MANY, marks=pytest.mark.torture)])
def test_a_rebuild_killed_anywhere_is_done_by_repeating_it(
    strace: str, folder: Path, places: Sequence[int]
) -> None:
    before = facts(folder)

    def check(tried: Path) -> None:
        assert facts(tried) == before
        assert_whole(tried, range(7, 14), range(1, 7))

    assert killed_everywhere(strace, folder, places, rebuild_it, check) >= 1
