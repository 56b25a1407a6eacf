"""A journal is exchanged, killed half-way, and what was noted of it is damaged."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mailvault.archive import remaking
from mailvault.archive.frames import compress
from mailvault.archive.rebuild import rebuild_catalog
from mailvault.archive.retelling import retell
from mailvault.errors import ArchiveDamaged, ArchiveTooNew
from tests.unit.archive.builders import (
    SteppingClock,
    Work,
    build_batch,
    create,
    open_again,
)
from tests.unit.archive.test_rebuild import eventful
from tests.unit.archive.test_structure import assert_sound, cut, facts, journal_of, mended

ROTTEN: dict[str, Callable[[dict[str, object]], bytes]] = {
    "empty": lambda _note: b"",
    "truncated": lambda note: json.dumps(note).encode()[:40],
    "no object": lambda _note: b"[]",
    "another archive's": lambda note: json.dumps({**note, "chain": "ab" * 32}).encode(),
    "beyond the end": lambda note: json.dumps({**note, "offset": 10**9}).encode(),
    "in a frame": lambda note: json.dumps({**note, "offset": 7}).encode(),
    "other types": lambda note: json.dumps({**note, "sequence": "x", "file": 1.5}).encode(),
    "huge": lambda note: json.dumps({**note, "sequence": 10**30}).encode(),
}


@pytest.fixture
def exchanged(work: Work) -> Path:
    """An archive with a new journal, of which the catalog was not told yet."""
    eventful(work)
    archive = work.archive
    draft, end = remaking.write_journal(archive._layout, retell(archive.catalog))
    remaking.exchange(archive._layout, draft, end)
    archive.close()
    return archive.path


def rot(folder: Path, how: str) -> None:
    note = folder / "journal" / remaking.POSITION
    note.write_bytes(ROTTEN[how](json.loads(note.read_bytes())))


def write_on(folder: Path) -> None:
    """What the next sync does."""
    with open_again(folder, writing=True) as archive:
        Work(archive, 1).sync(build_batch(8, arrived=[40]))
        assert list(archive.check()) == []


def assert_repaired(folder: Path, before: object, *, saying: str | None = None) -> None:
    """The next writer says what to do, and then nothing is lost."""
    with pytest.raises(ArchiveDamaged, match=saying) as caught:
        open_again(folder, writing=True)
    assert "mailvault repair" in str(caught.value.hint)
    mended(folder)

    assert facts(folder) == before
    assert_sound(folder)
    write_on(folder)


@pytest.mark.parametrize("how", ROTTEN)
def test_a_rotten_note_of_an_exchange_costs_no_record(exchanged: Path, how: str) -> None:
    before = facts(exchanged)
    rot(exchanged, how)

    assert_repaired(exchanged, before)


@pytest.mark.parametrize("how", ROTTEN)
def test_a_note_that_belongs_to_nothing_moves_no_catalog(work: Work, how: str) -> None:
    eventful(work)
    position = work.archive.catalog.position()
    work.archive.close()
    folder = work.archive.path
    note = {"sequence": 3, "chain": "00" * 32, "file": 1, "offset": 90}
    (folder / "journal" / remaking.POSITION).write_bytes(ROTTEN[how](note))

    with open_again(folder, writing=True) as archive:
        assert archive.catalog.position() == position

    assert_sound(folder)


@pytest.mark.parametrize("place", [0.3, 0.97])
def test_a_new_journal_that_breaks_before_the_catalog_follows_is_written_again(
    exchanged: Path, place: float
) -> None:
    before = facts(exchanged)
    cut(journal_of(exchanged), place)

    assert_repaired(exchanged, before, saying="journal")


def test_a_rebuild_finishes_an_exchange_that_was_killed(exchanged: Path) -> None:
    before = facts(exchanged)
    (exchanged / "journal").rename(exchanged / "journal.new")

    rebuild_catalog(exchanged, clock=SteppingClock())

    assert facts(exchanged) == before
    assert_sound(exchanged)
    write_on(exchanged)


@pytest.mark.parametrize("place", [0.0, 0.5, 0.98])
def test_a_rebuild_does_not_exchange_what_the_catalog_knows_for_a_shorter_journal(
    work: Work, place: float
) -> None:
    eventful(work)
    work.archive.close()
    folder = work.archive.path
    before = facts(folder)
    cut(journal_of(folder), place)

    with pytest.raises(ArchiveDamaged) as caught:
        rebuild_catalog(folder, clock=SteppingClock())

    assert "mailvault repair" in str(caught.value.hint)
    assert facts(folder) == before
    mended(folder)
    assert facts(folder) == before
    assert_sound(folder)


def test_repair_rebuilds_from_a_shorter_journal_where_the_catalog_is_broken(
    work: Work,
) -> None:
    eventful(work)
    work.archive.close()
    folder = work.archive.path
    cut(journal_of(folder), 0.98)
    catalog = folder / "catalog.db"
    octets = bytearray(catalog.read_bytes())
    octets[5 * 4096 : 9 * 4096] = bytes(4 * 4096)
    catalog.write_bytes(octets)

    mended(folder)

    assert_sound(folder)


@pytest.mark.parametrize("name", ["00000000.zst", "00000009.zst", "copied.zst"])
@pytest.mark.parametrize("lost", ["archive.toml", "nothing"])
def test_a_journal_file_of_another_archive_makes_no_other_archive_of_this_one(
    work: Work, tmp_path: Path, name: str, lost: str
) -> None:
    eventful(work)
    work.archive.close()
    folder = work.archive.path
    before, own = facts(folder), work.archive.id
    with create(tmp_path / "other") as other:
        Work(other).sync(build_batch(arrived=[1]))
    shutil.copy(journal_of(tmp_path / "other"), folder / "journal" / name)
    if lost != "nothing":
        (folder / lost).unlink()

    mended(folder)

    with open_again(folder, writing=True) as archive:
        assert archive.id == own
    assert facts(folder) == before
    assert_sound(folder)


@pytest.mark.parametrize("first", [b"{}\n", b"no json\n", b'["journal"]\n', b""])
def test_a_frame_of_something_else_does_not_say_whose_the_journal_is(
    work: Work, first: bytes
) -> None:
    eventful(work)
    work.archive.close()
    folder, own = work.archive.path, work.archive.id
    (folder / "journal" / "00000000.zst").write_bytes(compress(first))
    (folder / "archive.toml").unlink()

    mended(folder)

    with open_again(folder, writing=True) as archive:
        assert archive.id == own
    assert_sound(folder)


def test_a_catalog_that_seems_to_be_of_a_later_release_can_be_made_anew(work: Work) -> None:
    eventful(work)
    work.archive.close()
    folder = work.archive.path
    before = facts(folder)
    with closing(sqlite3.connect(folder / "catalog.db")) as catalog, catalog:
        catalog.execute("UPDATE alembic_version SET version_num = '1007'")

    with pytest.raises(ArchiveTooNew) as caught:
        open_again(folder, writing=True)
    assert "mailvault rebuild" in str(caught.value.hint)
    rebuild_catalog(folder, clock=SteppingClock())

    assert facts(folder) == before
    assert_sound(folder)
