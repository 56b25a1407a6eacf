"""Small texts share dictionaries, where that pays."""

from pathlib import Path

import pytest

from mailvault.errors import ArchiveDamaged
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


def test_small_texts_share_a_dictionary(open_store: OpenStore, folder: Path) -> None:
    store = open_store()
    digests = store_all(store, [build_message(n) for n in range(300)])

    rows = execute(volumes(folder)[0], "SELECT count(*) FROM object WHERE dictionary = 1")

    assert rows == [(300,)]
    assert all(open_store().prove(digest) for digest in digests)


def test_a_dictionary_is_used_in_the_next_process_and_the_next_volume(
    open_store: OpenStore, folder: Path
) -> None:
    store_all(open_store(volume_limit=400_000), [build_message(n) for n in range(300)])
    store = open_store(volume_limit=400_000)
    digests = store_all(store, [build_message(n, random_octets(9000, n)) for n in range(90)])

    last = volumes(folder)[-1]

    assert last.name != "000001.db"
    assert execute(last, "SELECT count(*) > 0 FROM object WHERE dictionary IS NOT NULL") == [
        (1,)
    ]
    assert all(open_store().prove(digest) for digest in digests)


@pytest.mark.parametrize("count", [1, 5, 20, 60])
def test_a_small_archive_does_not_pay_for_a_dictionary_in_vain(
    open_store: OpenStore, folder: Path, count: int
) -> None:
    store_all(
        open_store(), [b"Subject: x\r\n\r\n" + random_octets(3000, n) for n in range(count)]
    )

    assert execute(volumes(folder)[0], "SELECT count(*) FROM dictionary") == [(0,)]


def test_a_dictionary_is_made_anew_for_mail_of_another_kind(
    open_store: OpenStore, folder: Path
) -> None:
    other = bytes.maketrans(b"0123456789abcdef", b"ghijklmnopqrstuv")
    messages = [build_message(n) for n in range(60)]
    messages += [build_message(n).translate(other) for n in range(1200)]
    store = open_store()
    for start in range(0, len(messages), 60):
        store_all(store, messages[start : start + 60])

    [(count,)] = execute(volumes(folder)[0], "SELECT count(*) FROM dictionary")

    assert 2 <= count <= 3
    assert all(store.prove(Digest.of(message)) for message in messages)


def test_a_damaged_dictionary_is_read_from_its_spare_copy(
    open_store: OpenStore, folder: Path
) -> None:
    digests = store_all(open_store(), [build_message(n) for n in range(300)])
    execute(volumes(folder)[0], "UPDATE dictionary SET spare = content, content = x'00'")

    store = open_store()

    assert [store.get(digest) for digest in digests[:3]] == [build_message(n) for n in range(3)]


def test_a_damaged_dictionary_is_found(open_store: OpenStore, folder: Path) -> None:
    digests = store_all(open_store(), [build_message(n) for n in range(300)])
    execute(volumes(folder)[0], "UPDATE dictionary SET content = x'00'")

    store = open_store()

    assert kinds(store) == {"dictionary-damaged"}
    with pytest.raises(ArchiveDamaged):
        store.get(digests[0])
