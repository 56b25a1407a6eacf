"""A broken volume is replaced by what can be read of it, and nothing of the old one is lost."""

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from mailvault.archive.content.sqlite import SqliteStore
from mailvault.errors import ArchiveError
from mailvault.mail.model import Digest
from tests.unit.archive.content.stored_mail import (
    OpenStore,
    build_message,
    execute,
    kinds,
    random_octets,
    store_all,
    volumes,
)

MESSAGES = [random_octets(21_000, n) for n in range(20)] + [
    build_message(n) for n in range(200)
]


@pytest.fixture
def filled(open_store: OpenStore, folder: Path) -> list[Digest]:
    """A few volumes, the last one still open for more, and the digests in them."""
    store = open_store(volume_limit=250_000)
    digests = store_all(store, MESSAGES)
    store.close()
    assert len(volumes(folder)) > 2
    return digests


def sound(store: SqliteStore, digests: Iterable[Digest]) -> int:
    count = 0
    for digest in digests:
        with suppress(ArchiveError):
            count += bool(store.prove(digest))
    return count


def salvage(open_store: OpenStore, tmp_path: Path) -> list[str]:
    store = open_store(volume_limit=250_000)
    said = list(store.salvage(tmp_path / "aside"))
    store.close()
    return said


def test_a_missing_volume_is_replaced_by_an_empty_one(
    open_store: OpenStore, folder: Path, tmp_path: Path, filled: list[Digest]
) -> None:
    before = sound(open_store(), filled)
    volumes(folder)[0].unlink()
    left = sound(open_store(), filled)

    said = salvage(open_store, tmp_path)

    store = open_store(volume_limit=250_000)
    assert len(said) == 1
    assert 0 < left < before
    assert sound(store, filled) == left
    assert kinds(store) == set()
    store_all(store, MESSAGES)
    assert sound(open_store(), filled) == before


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_volume_that_is_no_volume_is_set_aside(
    open_store: OpenStore, folder: Path, tmp_path: Path, filled: list[Digest], place: int
) -> None:
    path = volumes(folder)[place]
    path.write_bytes(random_octets(9000))

    salvage(open_store, tmp_path)

    store = open_store(volume_limit=250_000)
    assert (tmp_path / "aside" / path.name).read_bytes() == random_octets(9000)
    assert kinds(store) == set()
    store_all(store, MESSAGES)
    assert sound(open_store(), filled) == len(filled)


@pytest.mark.parametrize("table", ["volume", "object", "pack", "dictionary"])
def test_what_can_be_read_of_a_volume_is_saved(
    open_store: OpenStore, folder: Path, tmp_path: Path, filled: list[Digest], table: str
) -> None:
    path = volumes(folder)[1]
    query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno"
    try:
        pages = [number for (number,) in execute(path, query, table)]
    except sqlite3.OperationalError:
        pytest.skip("this SQLite has no dbstat")
    if not pages:
        return
    octets = bytearray(path.read_bytes())
    page = pages[len(pages) // 2] - 1
    octets[page * 4096 : page * 4096 + 200] = random_octets(200)
    path.write_bytes(octets)
    left = sound(open_store(), filled)

    salvage(open_store, tmp_path)

    store = open_store(volume_limit=250_000)
    assert sound(store, filled) >= left
    assert kinds(store) == set()
    store_all(store, MESSAGES)
    assert sound(open_store(), filled) == len(filled)


def test_volumes_that_were_swapped_lose_nothing(
    open_store: OpenStore, folder: Path, tmp_path: Path, filled: list[Digest]
) -> None:
    one, other, *_ = volumes(folder)
    one.rename(folder / "x")
    other.rename(one)
    (folder / "x").rename(other)
    assert sound(open_store(), filled) < len(filled)

    assert len(salvage(open_store, tmp_path)) == 2

    store = open_store()
    assert sound(store, filled) == len(filled)
    assert kinds(store) == set()


def test_a_link_in_the_place_of_a_volume_is_replaced(
    open_store: OpenStore, folder: Path, tmp_path: Path, filled: list[Digest]
) -> None:
    path = volumes(folder)[1]
    shutil.move(path, tmp_path / "elsewhere.db")
    path.symlink_to(tmp_path / "elsewhere.db")

    salvage(open_store, tmp_path)

    assert not path.is_symlink()
    assert (tmp_path / "aside" / path.name).is_symlink()
    assert (tmp_path / "elsewhere.db").is_file()
    assert kinds(open_store()) == set()


def leaves_of_the_indexes(octets: bytes) -> list[int]:
    """Where the pages begin that are leaves of a table without rowids, page 1 left out."""
    return [at for at in range(4096, len(octets), 4096) if octets[at] == 10]


def test_a_page_that_is_lost_takes_nothing_of_the_other_pages_with_it(
    open_store: OpenStore, folder: Path, tmp_path: Path, filled: list[Digest]
) -> None:
    contents = {path: path.read_bytes() for path in volumes(folder)}
    path, octets = max(contents.items(), key=lambda each: len(leaves_of_the_indexes(each[1])))
    for page in leaves_of_the_indexes(octets):
        path.write_bytes(octets[:page] + bytes(4096) + octets[page + 4096 :])
        left = sound(open_store(), filled)

        salvage(open_store, tmp_path)

        store = open_store(volume_limit=250_000)
        assert sound(store, filled) >= left, f"the page at octet {page}"
        assert kinds(store) == set()
        store.close()
        shutil.rmtree(tmp_path / "aside")


def test_the_only_row_of_an_object_is_saved_whatever_its_number(
    open_store: OpenStore, folder: Path, tmp_path: Path, filled: list[Digest]
) -> None:
    path = volumes(folder)[-1]
    execute(path, "UPDATE object SET part = 1")

    salvage(open_store, tmp_path)

    assert sound(open_store(), filled) == len(filled)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE object SET kind = 77 WHERE digest = (SELECT min(digest) FROM object)",
        "UPDATE volume SET value = 1.5 WHERE key <> 'archive'",
        "UPDATE volume SET key = x'00' WHERE key = 'sealed'",
        "INSERT INTO superseded VALUES ('no digest')",
        "INSERT INTO superseded VALUES (x'0011')",
        "PRAGMA user_version = 536870913",
        "PRAGMA user_version = 0",
    ],
)
def test_nonsense_in_a_table_takes_no_more_with_it_than_itself(
    open_store: OpenStore, folder: Path, tmp_path: Path, filled: list[Digest], damage: str
) -> None:
    execute(volumes(folder)[-1], damage)

    salvage(open_store, tmp_path)

    store = open_store(volume_limit=250_000)
    assert sound(store, filled) >= len(filled) - 1
    assert kinds(store) == set()
    store_all(store, MESSAGES)
    assert sound(open_store(), filled) == len(filled)


FIRST_PAGE = {
    "magic": 0,
    "page size": 16,
    "format": 18,
    "fractions": 21,
    "pages": 28,
    "schema format": 44,
    "encoding": 57,
    "application": 70,
    "kind of page": 100,
    "number of tables": 104,
    "pointer to a table": 110,
}


@pytest.mark.parametrize("what", FIRST_PAGE)
def test_a_flipped_bit_of_the_first_page_costs_no_object(
    open_store: OpenStore, folder: Path, tmp_path: Path, filled: list[Digest], what: str
) -> None:
    path = volumes(folder)[1]
    octets = bytearray(path.read_bytes())
    octets[FIRST_PAGE[what]] ^= 4
    path.write_bytes(octets)

    salvage(open_store, tmp_path)

    assert sound(open_store(), filled) == len(filled)


@pytest.mark.parametrize("table", [b"CREATE TABLE pack", b"CREATE TABLE object"])
def test_a_first_page_that_names_no_table_any_more_costs_no_object(
    open_store: OpenStore, folder: Path, tmp_path: Path, filled: list[Digest], table: bytes
) -> None:
    path = volumes(folder)[0]
    octets = path.read_bytes()
    assert octets.count(table) == 1
    path.write_bytes(octets.replace(table, table.swapcase()[:-1] + b"?"))

    salvage(open_store, tmp_path)

    assert sound(open_store(), filled) == len(filled)


def test_a_volume_without_its_end_keeps_what_is_before(
    open_store: OpenStore, folder: Path, tmp_path: Path, filled: list[Digest]
) -> None:
    path = volumes(folder)[0]
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.9)])
    left = sound(open_store(), filled)

    salvage(open_store, tmp_path)

    assert sound(open_store(), filled) > left


def test_a_wrong_number_above_the_packs_hides_none_of_them(
    open_store: OpenStore, folder: Path, tmp_path: Path
) -> None:
    store = open_store(volume_limit=400_000_000)
    digests = []
    for number in range(700):  # each commit makes a pack
        digests += store_all(store, [build_message(number)])
    store.close()
    (path,) = volumes(folder)
    ((page,),) = execute(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'pack'")
    octets = bytearray(path.read_bytes())
    start = (page - 1) * 4096
    assert octets[start] == 5, "the root is no page above others"
    cell = start + int.from_bytes(octets[start + 12 : start + 14])
    octets[cell + 4] ^= 1  # behind the number of the page below stands the highest key in it
    path.write_bytes(octets)
    left = sound(open_store(), digests)
    assert left < len(digests)
    execute(path, "UPDATE volume SET value = 'x' WHERE key = 'number'")

    salvage(open_store, tmp_path)

    assert sound(open_store(), digests) == len(digests)
