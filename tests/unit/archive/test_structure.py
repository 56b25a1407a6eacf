"""A broken journal, catalog or archive.toml does not end an archive."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mailvault.archive import remaking
from mailvault.archive.rebuild import rebuild_catalog
from mailvault.archive.retelling import retell
from mailvault.archive.structure import diagnose, mend
from mailvault.errors import ArchiveError
from mailvault.mail.model import INBOX, MailboxName
from tests.unit.archive.builders import (
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
from tests.unit.archive.random_history import RandomHistory
from tests.unit.archive.test_rebuild import eventful

DERIVED = {"journal_position", "flag_set", "proof"}


def facts(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    return {table: rows for table, rows in dump(folder).items() if table not in DERIVED}


def mended(folder: Path, accounts: tuple[tuple[str, str], ...] = ()) -> list[str]:
    return list(mend(folder, clock=SteppingClock(), accounts=accounts))


def parts(folder: Path) -> list[str]:
    return [step.part for step in diagnose(folder, clock=SteppingClock())]


def assert_sound(folder: Path) -> None:
    assert parts(folder) == []
    with open_again(folder, writing=True) as archive:
        assert list(archive.check()) == []


def flip(path: Path, place: float) -> None:
    octets = bytearray(path.read_bytes())
    octets[int(len(octets) * place)] ^= 4
    path.write_bytes(octets)


def cut(path: Path, place: float) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * place)])


@pytest.fixture
def eventful_folder(work: Work) -> Path:
    eventful(work)
    work.archive.close()
    return work.archive.path


def journal_of(folder: Path) -> Path:
    return next((folder / "journal").glob("*.zst"))


def remove(path: Path, _place: float) -> None:
    path.unlink()


def remove_all(path: Path, _place: float) -> None:
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("place", [0.2, 0.98])
@pytest.mark.parametrize("harm", [flip, cut, remove, remove_all])
def test_a_broken_journal_is_written_anew_from_the_catalog(
    eventful_folder: Path, harm: Callable[[Path, float], None], place: float
) -> None:
    before = facts(eventful_folder)
    harm(journal_of(eventful_folder), place)
    assert parts(eventful_folder) == ["journal"]

    mended(eventful_folder)

    assert facts(eventful_folder) == before
    assert_sound(eventful_folder)
    (eventful_folder / "catalog.db").unlink()
    rebuild_catalog(eventful_folder, clock=SteppingClock())
    assert facts(eventful_folder) == before
    with open_again(eventful_folder, writing=True) as archive:
        Work(archive, 1).sync(build_batch(8, arrived=[40]))
        assert list(archive.check()) == []


def test_the_broken_journal_is_kept(eventful_folder: Path) -> None:
    flip(journal_of(eventful_folder), 0.5)
    old = journal_of(eventful_folder).read_bytes()

    mended(eventful_folder)

    kept = eventful_folder / "quarantine" / "journal-1"
    assert [path.read_bytes() for path in kept.iterdir()] == [old]


def test_a_mended_archive_needs_no_mending(eventful_folder: Path) -> None:
    flip(journal_of(eventful_folder), 0.5)
    mended(eventful_folder)
    before = dump(eventful_folder)

    assert mended(eventful_folder) == []

    assert dump(eventful_folder) == before


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.torture) for seed in range(1, 12))]
)
def test_a_long_history_survives_a_broken_journal(tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "archive"
    with create(folder) as archive:
        history = RandomHistory(archive, seed)
        for _ in range(10):
            history.run()
    before = facts(folder)
    flip(journal_of(folder), 0.3)

    mended(folder)
    rebuild_catalog(folder, clock=SteppingClock())

    assert facts(folder) == before


def test_groups_that_the_catalog_was_not_told_of_are_saved(work: Work) -> None:
    folder = work.archive.path
    work.sync(build_batch(arrived=[1, 2]))
    work.archive.close()
    shutil.copy(folder / "catalog.db", folder.parent / "old.db")
    with open_again(folder, writing=True) as archive:
        again = Work(archive, 1)
        again.sync(build_batch(arrived=[3]))
        size = journal_of(folder).stat().st_size
        again.sync(build_batch(arrived=[4]))
        again.sync(build_batch(arrived=[5]))
    shutil.copy(folder.parent / "old.db", folder / "catalog.db")
    octets = bytearray(journal_of(folder).read_bytes())
    octets[size + 30] ^= 1
    journal_of(folder).write_bytes(octets)
    with pytest.raises(ArchiveError):
        open_again(folder, writing=True)

    mended(folder)

    assert_sound(folder)
    with open_again(folder, writing=True) as archive:
        assert Work(archive).uids() == [1, 2, 3, 5]
        (mailbox,) = archive.catalog.mailboxes()
        assert mailbox.cursor is None
        Work(archive, 1).sync(build_batch(arrived=[4]))
        assert Work(archive).uids() == [1, 2, 3, 4, 5]


@pytest.fixture
def five_runs(work: Work) -> Path:
    """One mailbox; each run brought a message, the third one renamed the mailbox."""
    work.sync(build_batch(arrived=[1], cursor="c1"))
    work.sync(build_batch(arrived=[2], cursor="c2"))
    recorder = work.archive.start_run()
    recorder.describe(work.account_id, named("Elsewhere"), mailbox_id=work.mailbox_id)
    recorder.add(work.mailbox_id, build_batch(arrived=[3], cursor="c3"))
    recorder.finish(0)
    recorder = work.archive.start_run()
    recorder.add(work.mailbox_id, build_batch(arrived=[4], cursor="c4"))
    recorder.finish(0)
    recorder = work.archive.start_run()
    recorder.add(work.mailbox_id, build_batch(arrived=[5], cursor="c5"))
    recorder.finish(0)
    work.archive.close()
    return work.archive.path


def break_group(folder: Path, number: int) -> None:
    path = journal_of(folder)
    octets = bytearray(path.read_bytes())
    at = -1
    for _ in range(number):
        at = octets.index(b"\x28\xb5\x2f\xfd", at + 1)
    octets[at + 20] ^= 1
    path.write_bytes(octets)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_without_a_catalog_all_sound_groups_are_saved(five_runs: Path, number: int) -> None:
    (five_runs / "catalog.db").unlink()
    break_group(five_runs, number)
    assert parts(five_runs) == ["journal", "catalog"]

    said = mended(five_runs, (("work", "imap"),))

    assert len(said) == 2
    assert_sound(five_runs)
    with open_again(five_runs, writing=True) as archive:
        assert Work(archive).uids() == [uid for uid in range(1, 6) if uid != number]
        assert [view.name for view in archive.catalog.accounts()] == ["work"]
        (mailbox,) = archive.catalog.mailboxes()
        assert mailbox.cursor is None or number == 5
        assert archive.catalog.last_run() == (4 if number == 5 else 5)
        expected = INBOX if number == 3 else MailboxName(("Elsewhere",))
        assert mailbox.name == expected
        archive.content.get(next(archive.catalog.placements()).digest)


def test_a_mailbox_that_nothing_names_any_more_gets_a_name(work: Work) -> None:
    work.sync(build_batch(arrived=[1]))
    recorder = work.archive.start_run()
    other = recorder.describe(work.account_id, named("Named here only"))
    recorder.finish(0)
    recorder = work.archive.start_run()
    recorder.add(other, build_batch(arrived=[build_arrival(7, octets=build_message(7))]))
    recorder.finish(0)
    work.archive.close()
    folder = work.archive.path
    (folder / "catalog.db").unlink()
    break_group(folder, 2)

    mended(folder)

    with open_again(folder) as archive:
        names = {str(view.mailbox): view.uid for view in archive.catalog.placements()}
    assert names == {"INBOX": 1, "recovered/2": 7}


def test_swapped_files_of_the_journal_are_read_in_their_order(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with create(folder) as archive:
        work = Work(archive)
        for number in range(1, 4):
            work.sync(build_batch(arrived=[number]))
            journal_of(folder)
    path = journal_of(folder)
    before = facts(folder)
    octets = path.read_bytes()
    at = octets.rindex(b"\x28\xb5\x2f\xfd")
    path.write_bytes(octets[at:])
    path.with_name("00000007.zst").write_bytes(octets[:at])
    (folder / "catalog.db").unlink()

    mended(folder)

    assert_sound(folder)
    assert facts(folder) == before


@pytest.mark.parametrize(
    "content", [None, b"", b"format = 1\n", b"\xff\xfe", b'format = "x"\nid = 3\n']
)
def test_a_lost_identity_is_made_again(eventful_folder: Path, content: bytes | None) -> None:
    before = facts(eventful_folder)
    identity = eventful_folder / "archive.toml"
    if content is None:
        identity.unlink()
    else:
        identity.write_bytes(content)
    assert parts(eventful_folder) == ["identity"]

    mended(eventful_folder)

    assert_sound(eventful_folder)
    assert facts(eventful_folder) == before


def test_an_identity_with_another_number_is_corrected(eventful_folder: Path) -> None:
    identity = eventful_folder / "archive.toml"
    text = identity.read_text()
    number = text.split('id = "')[1][:36]
    identity.write_text(text.replace(number, "00000000-0000-4000-8000-000000000000"))
    assert parts(eventful_folder) == ["identity"]

    mended(eventful_folder)

    assert number in identity.read_text()
    assert_sound(eventful_folder)


def test_an_identity_and_the_journal_may_both_be_lost(eventful_folder: Path) -> None:
    before = facts(eventful_folder)
    (eventful_folder / "archive.toml").unlink()
    shutil.rmtree(eventful_folder / "journal")

    mended(eventful_folder)

    assert_sound(eventful_folder)
    assert facts(eventful_folder) == before


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, None])
def test_a_broken_catalog_is_made_anew(eventful_folder: Path, content: bytes | None) -> None:
    before = facts(eventful_folder)
    catalog = eventful_folder / "catalog.db"
    if content is None:
        octets = bytearray(catalog.read_bytes())
        octets[5 * 4096 : 9 * 4096] = bytes(4 * 4096)
        catalog.write_bytes(octets)
    else:
        catalog.write_bytes(content)
    assert parts(eventful_folder) == ["catalog"]

    mended(eventful_folder)

    assert_sound(eventful_folder)
    assert facts(eventful_folder) == before


def test_an_exchange_that_was_killed_is_finished_by_the_next_writer(
    eventful_folder: Path,
) -> None:
    before = facts(eventful_folder)
    with open_again(eventful_folder) as archive:
        layout = archive._layout
        draft, end = remaking.write_journal(layout, retell(archive.catalog))
    remaking.exchange(layout, draft, end)
    (eventful_folder / "journal").rename(eventful_folder / "journal.new")

    with open_again(eventful_folder, writing=True) as archive:
        assert list(archive.check()) == []

    assert facts(eventful_folder) == before
    assert not (eventful_folder / "journal" / remaking.POSITION).exists()
    assert_sound(eventful_folder)


def test_nothing_is_wrong_with_a_sound_archive(eventful_folder: Path) -> None:
    before = {path: path.read_bytes() for path in eventful_folder.rglob("*") if path.is_file()}

    assert parts(eventful_folder) == []

    after = {path: path.read_bytes() for path in eventful_folder.rglob("*") if path.is_file()}
    assert {k: v for k, v in after.items() if k.name != "lock"} == {
        k: v for k, v in before.items() if k.name != "lock"
    }
