"""What a policy forgot gives its room back, and nothing else goes with it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mailvault.archive.content import rewriting
from mailvault.archive.content.packs import PackCache
from mailvault.archive.content.volume import Volume
from mailvault.errors import ArchiveDamaged, ArchiveError, MessageMissing
from mailvault.mail.model import Digest
from tests.unit.archive.content.stored_mail import (
    OpenStore,
    build_message,
    execute,
    random_octets,
    store_all,
    volumes,
)


def keeps(*digests: Digest) -> Callable[[Digest], bool]:
    kept = set(digests)
    return lambda digest: digest in kept


def test_a_volume_is_made_anew_once_a_third_of_it_is_dead(
    open_store: OpenStore, folder: Path
) -> None:
    messages = [random_octets(30_000, n) for n in range(30)]
    digests = store_all(open_store(), messages)
    before = volumes(folder)[0].stat().st_size
    store = open_store()

    assert store.reclaim(digests[:9], keeps(*digests[9:])) == 0
    assert store.reclaim(digests[:10], keeps(*digests[10:])) > 280_000

    assert volumes(folder)[0].stat().st_size < before - 280_000
    for each in (store, open_store()):
        assert [each.get(digest) for digest in digests[10:]] == messages[10:]
        assert list(each.check()) == []
        with pytest.raises(MessageMissing):
            each.get(digests[0])


def test_a_part_that_another_message_has_stays(open_store: OpenStore) -> None:
    shared, own = random_octets(40_000, 1), random_octets(40_000, 2)
    messages = [build_message(1, shared), build_message(2, own), build_message(3, shared)]
    digests = store_all(open_store(), messages)
    store = open_store()

    waste = store.waste(digests[:2], keeps(digests[2]))
    store.reclaim(digests[:2], keeps(digests[2]))

    assert waste.objects == 3
    assert 40_000 < waste.octets == waste.reclaimable < 45_000
    assert store.get(digests[2]) == messages[2]
    assert Digest.of(own) not in store
    assert Digest.of(shared) in store


def test_a_part_of_a_message_that_no_catalog_knows_stays(open_store: OpenStore) -> None:
    shared = random_octets(40_000, 1)
    digests = store_all(open_store(), [build_message(1, shared), build_message(2, shared)])
    store = open_store()

    store.reclaim(digests[:1], keeps())

    assert store.prove(digests[1])


def test_a_part_that_is_a_message_of_its_own_stays(open_store: OpenStore) -> None:
    inner = random_octets(40_000, 1)
    digests = store_all(open_store(), [build_message(1, inner), inner])
    store = open_store()

    store.reclaim(digests[:1], keeps(digests[1]))

    assert store.get(digests[1]) == inner


def test_a_message_that_is_kept_is_never_dead(open_store: OpenStore) -> None:
    digests = store_all(open_store(), [random_octets(9000)])
    store = open_store()

    assert store.reclaim(digests, keeps(*digests)) == 0
    assert store.prove(digests[0])


def test_a_message_that_comes_back_is_stored_again(open_store: OpenStore) -> None:
    message = build_message(1, random_octets(40_000))
    [digest] = store_all(open_store(), [message])
    store = open_store()
    store.reclaim([digest], keeps())

    store_all(store, [message])

    assert store.get(digest) == message
    assert open_store().get(digest) == message
    assert list(open_store().check()) == []


def test_dictionaries_go_along_and_texts_are_read_with_them(
    open_store: OpenStore, folder: Path
) -> None:
    messages = [build_message(n) for n in range(900)]
    digests = store_all(open_store(), messages)
    store = open_store()

    assert store.reclaim(digests[:600], keeps(*digests[600:])) > 0

    again = open_store()
    assert execute(volumes(folder)[0], "SELECT count(*) FROM dictionary") != [(0,)]
    assert [again.get(digest) for digest in digests[600:]] == messages[600:]


def test_a_sealed_volume_is_replaced_and_the_others_are_not_touched(
    open_store: OpenStore, folder: Path
) -> None:
    messages = [random_octets(30_000, n) for n in range(30)]
    digests = store_all(open_store(volume_limit=250_000), messages)
    paths = volumes(folder)
    before = [path.read_bytes() for path in paths]
    store = open_store(volume_limit=250_000)

    store.reclaim(digests[7:14], keeps(*digests[:7], *digests[14:]))

    changed = [
        path for path, old in zip(paths, before, strict=True) if path.read_bytes() != old
    ]
    assert 0 < len(changed) < len(paths) - 1
    assert all(store.prove(digest) for digest in (*digests[:7], *digests[14:]))


def test_a_reader_that_has_the_old_file_open_goes_on(
    open_store: OpenStore, folder: Path
) -> None:
    messages = [random_octets(30_000, n) for n in range(9)]
    digests = store_all(open_store(), messages)
    reader, store = open_store(), open_store()
    reader.get(digests[8])

    store.reclaim(digests[:8], keeps(digests[8]))
    store_all(store, messages[:2])
    reader.forget()

    assert reader.get(digests[8]) == messages[8]
    assert store.get(digests[0]) == messages[0]


def test_damage_among_what_stays_stops_nothing_and_is_kept_as_it_is(
    open_store: OpenStore, folder: Path
) -> None:
    messages = [random_octets(30_000, n) for n in range(9)]
    digests = store_all(open_store(), messages)
    [(pack, offset)] = execute(
        volumes(folder)[0],
        "SELECT pack, offset FROM object WHERE digest = ?",
        digests[8].value,
    )
    [(frames,)] = execute(volumes(folder)[0], "SELECT frames FROM pack WHERE id = ?", pack)
    hurt = frames[: offset + 999] + b"\0\0\0\0" + frames[offset + 1003 :]
    execute(volumes(folder)[0], "UPDATE pack SET frames = ? WHERE id = ?", hurt, pack)
    store = open_store()

    store.reclaim(digests[:4], keeps(*digests[4:]))

    assert all(store.prove(digest) for digest in digests[4:8])
    with pytest.raises(ArchiveDamaged):
        store.prove(digests[8])


def test_a_volume_of_which_a_frame_is_missing_stays_as_it_is(
    open_store: OpenStore, folder: Path
) -> None:
    digests = store_all(open_store(), [random_octets(600_000, n) for n in range(4)])
    [(pack,)] = execute(
        volumes(folder)[0], "SELECT pack FROM object WHERE digest = ?", digests[3].value
    )
    execute(volumes(folder)[0], "DELETE FROM pack WHERE id = ?", pack)
    store = open_store()

    assert store.reclaim(digests[:2], keeps(*digests[2:])) == 0

    assert all(store.prove(digest) for digest in digests[:3])


def test_what_a_killed_rewriting_left_is_cleared_away(
    open_store: OpenStore, tmp_path: Path
) -> None:
    digests = store_all(open_store(), [random_octets(30_000, n) for n in range(4)])
    (tmp_path / "rewriting").mkdir()
    (tmp_path / "rewriting" / "000001.db").write_bytes(b"half of it")
    store = open_store()

    assert store.reclaim(digests[:2], keeps(*digests[2:])) > 0

    assert not (tmp_path / "rewriting").exists()
    assert all(store.prove(digest) for digest in digests[2:])


@pytest.mark.parametrize("place", [0.3, 0.5, 0.7])
def test_a_draft_that_is_not_what_was_read_is_found(
    open_store: OpenStore, folder: Path, tmp_path: Path, place: float
) -> None:
    digests = store_all(open_store(), [random_octets(30_000, n) for n in range(4)])
    source = Volume(volumes(folder)[0], "a", PackCache())
    draft = rewriting.draft_path(source, tmp_path)
    every = rewriting.stored_frames(source, "ORDER BY pack, offset")
    frames = (frame for frame in every if frame.digest != digests[0].value)
    rewriting.write(source, draft, frames)
    rewriting.prove(source, draft, {digests[0].value})
    octets = bytearray(draft.read_bytes())
    octets[int(len(octets) * place)] ^= 1
    draft.write_bytes(octets)

    with pytest.raises(ArchiveError):
        rewriting.prove(source, draft, {digests[0].value})
    source.disconnect()


@pytest.mark.parametrize("count", [90])
def test_more_volumes_than_may_be_open_are_read(
    open_store: OpenStore, folder: Path, count: int
) -> None:
    digests = store_all(open_store(volume_limit=60_000), [random_octets(50_000, 1)])
    first = volumes(folder)[0]
    for number in range(2, count + 1):
        copy = folder / f"{number:06}.db"
        shutil.copy(first, copy)
        execute(copy, "UPDATE volume SET value = ? WHERE key = 'number'", number)
        execute(copy, "UPDATE object SET digest = ?", number.to_bytes(32, "big"))
    store = open_store()

    store.check()
    assert len(list(store.digests())) == count
    assert store.prove(digests[0])
    opened = [
        each
        for each in Path("/proc/self/fd").iterdir()
        if each.exists() and folder in each.resolve().parents
    ]
    assert 0 < len(opened) <= 70
