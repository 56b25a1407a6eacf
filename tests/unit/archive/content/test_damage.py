"""Whatever happens to a volume, no octets come back that were not stored."""

import random
from pathlib import Path

import pytest

from mailvault.errors import ArchiveDamaged, ArchiveError, ArchiveTooNew, MessageMissing
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


def flipped(octets: bytes, bit: int) -> bytes:
    at = bit >> 3
    return octets[:at] + bytes([octets[at] ^ 1 << (bit & 7)]) + octets[at + 1 :]


def test_a_flipped_bit_never_gives_other_octets_and_is_healed(
    open_store: OpenStore, folder: Path
) -> None:
    messages = [build_message(n, random_octets(3000, n % 5)) for n in range(60)]
    messages += [build_message(n) for n in range(100, 150)]
    digests = store_all(open_store(), messages)
    [path] = volumes(folder)
    sound = path.read_bytes()
    choose = random.Random(4)
    hurt = 0
    for _ in range(60):
        path.write_bytes(flipped(sound, choose.randrange(len(sound) * 8)))
        store = open_store()
        for digest, message in zip(digests, messages, strict=True):
            try:
                assert store.get(digest) == message
            except ArchiveError:
                hurt += 1
        store.close()
        store = open_store()
        store_all(store, messages)
        assert all(
            store.get(digest) == message
            for digest, message in zip(digests, messages, strict=True)
        )
        store.close()
        for extra in volumes(folder)[1:]:
            extra.unlink()
    assert hurt


def test_rows_out_of_order_are_found_and_what_they_hide_is_stored_again(
    open_store: OpenStore, folder: Path
) -> None:
    messages = [build_message(n) for n in range(100)]
    digests = store_all(open_store(), messages)
    [path] = volumes(folder)
    content = path.read_bytes()
    middle = sorted(digest.value for digest in digests)[len(digests) // 2]
    path.write_bytes(content.replace(middle, bytes([middle[0] ^ 0x80]) + middle[1:]))
    assert path.read_bytes() != content

    assert "volume-damaged" in kinds(open_store())
    store = open_store()
    store_all(store, messages)

    assert [store.get(digest) for digest in digests] == messages


def test_a_row_that_strayed_into_another_volume_does_not_hide_the_sound_one(
    open_store: OpenStore, folder: Path
) -> None:
    messages = [build_message(n, random_octets(3000, n % 5)) for n in range(60)]
    store = open_store(volume_limit=40_000)
    digests = [
        digest for at in range(0, 60, 10) for digest in store_all(store, messages[at : at + 10])
    ]
    store.close()
    first, *_, last = volumes(folder)
    columns = "digest, part, pack, 0, length - 1, size, kind, NULL"
    for source, target in ((first, last), (last, first)):
        rows = execute(source, f"SELECT {columns} FROM object WHERE part = 0")
        for row in rows:
            execute(
                target, "INSERT OR IGNORE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *row
            )
    both = list(zip(digests, messages, strict=True))

    for order in (both, both[::-1]):
        store = open_store()
        assert all(store.get(digest) == message for digest, message in order)
        assert all(store.prove(digest) == len(message) for digest, message in order)


def test_new_mail_goes_on_where_the_newest_volume_cannot_be_written_to(
    open_store: OpenStore, folder: Path
) -> None:
    messages = [random_octets(9000, n) for n in range(200)]
    store_all(open_store(), messages[:150])
    [path] = volumes(folder)
    octets = path.read_bytes()
    [inner] = [at for at in range(4096, len(octets), 4096) if octets[at] == 5]
    path.write_bytes(octets[:inner] + bytes(4096) + octets[inner + 4096 :])

    store = open_store()
    digests = store_all(store, messages)

    assert [store.get(digest) for digest in digests] == messages


@pytest.mark.parametrize("keep", [0, 1, 0.5, 0.99], ids=["empty", "octet", "half", "most"])
def test_a_truncated_volume_never_gives_other_octets(
    open_store: OpenStore, folder: Path, keep: float
) -> None:
    messages = [build_message(n, random_octets(3000, n)) for n in range(60)]
    digests = store_all(open_store(), messages)
    [path] = volumes(folder)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep) or int(len(content) * keep)])

    store = open_store()
    refused = 0
    for digest, message in zip(digests, messages, strict=True):
        try:
            assert store.get(digest) == message
        except (ArchiveDamaged, MessageMissing):
            refused += 1

    assert refused


def damage(folder: Path, digest: Digest) -> None:
    """Make what is stored of an object unreadable."""
    query = "SELECT pack, offset FROM object WHERE digest = ?"
    [path] = [path for path in volumes(folder) if execute(path, query, digest.value)]
    [(pack, offset)] = execute(path, query, digest.value)
    [(frames,)] = execute(path, "SELECT frames FROM pack WHERE id = ?", pack)
    hurt = frames[: offset + 12] + b"\xff\xff" + frames[offset + 14 :]
    execute(path, "UPDATE pack SET frames = ? WHERE id = ?", hurt, pack)


@pytest.mark.parametrize("limit", [1 << 30, 60_000], ids=["same-volume", "sealed-volume"])
@pytest.mark.parametrize("what", ["message", "part"])
def test_a_damaged_copy_is_replaced_when_the_message_comes_again(
    open_store: OpenStore, folder: Path, limit: int, what: str
) -> None:
    attachment = random_octets(20_000)
    messages = [build_message(n, attachment) for n in range(3)]
    digests = store_all(open_store(volume_limit=limit), messages)
    store_all(open_store(volume_limit=limit), [random_octets(59_000, 5)])
    damage(folder, digests[0] if what == "message" else Digest.of(attachment))
    store = open_store(volume_limit=limit)
    with pytest.raises(ArchiveDamaged):
        store.get(digests[0])

    assert store.prepare(messages[0]).outline is not None
    store_all(store, messages)
    store.close()

    store = open_store(volume_limit=limit)
    assert [store.get(digest) for digest in digests] == messages
    found = list(store.digests())
    assert len(found) == len(set(found))
    assert sum(map(store.prove, found))


def test_a_message_whose_part_is_missing_is_damaged(
    open_store: OpenStore, folder: Path
) -> None:
    attachment = random_octets(20_000)
    [digest] = store_all(open_store(), [build_message(1, attachment)])
    execute(
        volumes(folder)[0], "DELETE FROM object WHERE digest = ?", Digest.of(attachment).value
    )

    with pytest.raises(ArchiveDamaged, match=str(Digest.of(attachment))):
        open_store().get(digest)


@pytest.fixture
def three_volumes(open_store: OpenStore, folder: Path) -> list[Path]:
    store = open_store(volume_limit=250_000)
    store_all(store, [random_octets(21_000, n) for n in range(20)])
    store.close()
    paths = volumes(folder)
    assert len(paths) == 3
    return paths


def test_a_missing_volume_is_found_and_nothing_in_it_is_said_to_be_missing(
    open_store: OpenStore, three_volumes: list[Path]
) -> None:
    digest = Digest.of(random_octets(21_000, 0))
    three_volumes[0].unlink()

    store = open_store()

    assert kinds(store) == {"volume-missing"}
    with pytest.raises(ArchiveDamaged, match=r"000001\.db is missing"):
        store.get(digest)
    assert digest not in store


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_volume_that_is_no_volume_is_found_and_the_others_are_read(
    open_store: OpenStore, three_volumes: list[Path], place: int
) -> None:
    three_volumes[place].write_bytes(random_octets(50_000))

    store = open_store()

    assert kinds(store) == {"volume-damaged"}
    assert sum(1 for digest in store.digests() if store.prove(digest) > 20_000) >= 3
    store_all(store, [random_octets(21_000, n) for n in range(20)])
    for n in range(20):
        assert open_store().prove(Digest.of(random_octets(21_000, n)))


def test_swapped_volumes_are_found(open_store: OpenStore, three_volumes: list[Path]) -> None:
    first, second, _ = three_volumes
    first.rename(first.with_suffix(".x"))
    second.rename(first)
    first.with_suffix(".x").rename(second)

    assert kinds(open_store()) == {"volume-damaged"}


def test_a_symbolic_link_is_not_followed(
    open_store: OpenStore, three_volumes: list[Path], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    three_volumes[0].rename(elsewhere)
    three_volumes[0].symlink_to(elsewhere)

    assert kinds(open_store()) == {"volume-damaged"}


def test_a_volume_of_another_archive_is_refused(
    open_store: OpenStore, three_volumes: list[Path]
) -> None:
    store = open_store(archive_id="b")

    assert kinds(store) == {"volume-damaged"}
    assert list(store.digests()) == []


def test_a_volume_of_a_later_release_is_refused(open_store: OpenStore, folder: Path) -> None:
    [digest] = store_all(open_store(), [build_message(1)])
    execute(volumes(folder)[0], "PRAGMA user_version = 2")

    store = open_store()

    with pytest.raises(ArchiveTooNew):
        store.get(digest)
    with pytest.raises(ArchiveTooNew):
        store.prepare(build_message(2))


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE object SET offset = offset + 100000000", "object-damaged"),
        ("UPDATE object SET offset = -1", "object-damaged"),
        ("UPDATE object SET length = 1 << 40", "object-damaged"),
        ("UPDATE object SET length = 'x'", "object-damaged"),
        ("UPDATE object SET size = 3000000000", "object-damaged"),
        ("UPDATE object SET kind = 7", "object-damaged"),
        ("UPDATE object SET part = part + 1", "object-damaged"),
        ("UPDATE object SET dictionary = 9", "object-damaged"),
        ("DELETE FROM pack", "object-damaged"),
        ("UPDATE pack SET frames = x''", "object-damaged"),
        ("UPDATE pack SET frames = 'text'", "object-damaged"),
        ("DROP TABLE pack", "volume-damaged"),
        ("DROP TABLE object", "volume-damaged"),
        ("DELETE FROM volume", "volume-damaged"),
    ],
)
def test_an_index_that_leads_astray_is_found(
    open_store: OpenStore, folder: Path, statement: str, kind: str
) -> None:
    digests = store_all(open_store(), [build_message(n, random_octets(3000)) for n in range(3)])
    execute(volumes(folder)[0], statement)

    store = open_store()

    assert kinds(store) == {kind}
    if "part" not in statement:
        for digest in digests:
            with pytest.raises((ArchiveDamaged, MessageMissing)):
                store.get(digest)


def test_an_index_that_names_another_frame_is_never_believed(
    open_store: OpenStore, folder: Path
) -> None:
    digests = store_all(open_store(), [build_message(n, random_octets(3000)) for n in range(9)])
    execute(
        volumes(folder)[0],
        "UPDATE object SET (offset, length, size, kind) ="
        " (SELECT offset, length, size, kind FROM object WHERE digest = ?)",
        digests[4].value,
    )

    store = open_store()

    for digest in digests:
        if digest == digests[4]:
            continue
        with pytest.raises(ArchiveDamaged):
            store.get(digest)
