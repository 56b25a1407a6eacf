"""Volumes keep to their limit, and never change once they are full."""

import os
from pathlib import Path

import pytest

from mailvault.archive.journal_mode import ROLLBACK_JOURNAL, WRITE_AHEAD_LOG, JournalMode
from tests.unit.archive.content.stored_mail import (
    OpenStore,
    build_message,
    random_octets,
    store_all,
    volumes,
)


def test_volumes_stay_within_their_limit(open_store: OpenStore, folder: Path) -> None:
    limit = 200_000
    store = open_store(volume_limit=limit)
    messages = [build_message(n, random_octets(5000 + 37 * n, n)) for n in range(120)]
    digests = []
    for start in range(0, 120, 20):
        digests += store_all(store, messages[start : start + 20])

    assert len(volumes(folder)) > 3
    assert all(path.stat().st_size <= limit for path in volumes(folder))
    assert [open_store().get(digest) for digest in digests] == messages
    assert list(store.check()) == []


def test_a_full_volume_never_changes_again(open_store: OpenStore, folder: Path) -> None:
    store = open_store(volume_limit=200_000)
    store_all(store, [build_message(n, random_octets(9000, n)) for n in range(40)])
    sealed = {path: path.read_bytes() for path in volumes(folder)[:-1]}
    store.close()

    store = open_store(volume_limit=200_000)
    store_all(store, [build_message(n, random_octets(9000, n)) for n in range(80)])
    list(store.check())
    for digest in store.digests():
        store.prove(digest)

    assert sealed
    assert {path: path.read_bytes() for path in sealed} == sealed


def test_an_object_larger_than_a_volume_gets_one_of_its_own(
    open_store: OpenStore, folder: Path
) -> None:
    store = open_store(volume_limit=200_000)
    messages = [build_message(0), random_octets(700_000), build_message(1)]
    digests = store_all(store, messages)

    sizes = [path.stat().st_size for path in volumes(folder)]

    assert sum(size > 200_000 for size in sizes) == 1
    assert [open_store().get(digest) for digest in digests] == messages


@pytest.mark.parametrize("journal", [ROLLBACK_JOURNAL, WRITE_AHEAD_LOG], ids=["delete", "wal"])
def test_a_sealed_volume_is_a_single_file(
    open_store: OpenStore, folder: Path, journal: JournalMode
) -> None:
    store = open_store(volume_limit=200_000, journal=journal)
    for start in range(0, 60, 20):
        messages = (build_message(n, random_octets(9000, n)) for n in range(start, start + 20))
        store_all(store, messages)
        store.prove(next(store.digests()))
    sealed = volumes(folder)[:-1]

    assert sealed
    for path in sealed:
        assert [each.name for each in folder.glob(f"{path.stem}*")] == [path.name]
        assert path.read_bytes()[18:20] == b"\x01\x01"  # https://sqlite.org/fileformat2.html


@pytest.mark.parametrize("journal", [ROLLBACK_JOURNAL, WRITE_AHEAD_LOG], ids=["delete", "wal"])
def test_the_pragmas_of_the_journal_are_in_force(
    open_store: OpenStore, journal: JournalMode
) -> None:
    store = open_store(journal=journal)
    digests = store_all(store, [build_message(n) for n in range(30)])

    assert [store.prove(digest) for digest in digests]
    assert open_store(journal=ROLLBACK_JOURNAL).get(digests[0]) == build_message(0)


def test_files_are_private_whatever_the_umask(open_store: OpenStore, folder: Path) -> None:
    before = os.umask(0)
    try:
        store = open_store(volume_limit=100_000)
        for n in range(4):
            store_all(store, [build_message(n, random_octets(60_000, n))])
    finally:
        os.umask(before)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_reading_an_archive_writes_nothing(open_store: OpenStore, folder: Path) -> None:
    store = open_store()
    digests = store_all(store, [build_message(n) for n in range(30)])
    store.close()
    before = [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]

    reading = open_store()
    for digest in digests:
        reading.get(digest)
        reading.outline(digest)
    list(reading.check())
    reading.prepare(build_message(1))
    reading.commit()
    reading.close()

    assert [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())] == before


def test_a_commit_with_nothing_staged_changes_nothing(
    open_store: OpenStore, folder: Path
) -> None:
    store = open_store()
    store_all(store, [build_message(1)])
    before = volumes(folder)[0].read_bytes()

    store_all(store, [build_message(1)] * 3)

    assert volumes(folder)[0].read_bytes() == before


def test_a_volume_begun_by_a_process_that_died_is_used_again(
    open_store: OpenStore, folder: Path
) -> None:
    folder.mkdir()
    (folder / "000001.db").touch()

    assert list(open_store().digests()) == []
    assert list(open_store().check()) == []
    [digest] = store_all(open_store(), [build_message(1)])
    assert open_store().get(digest) == build_message(1)
    assert [path.name for path in volumes(folder)] == ["000001.db"]
