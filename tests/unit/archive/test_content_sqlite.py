"""What the volumes of the sqlite store promise beyond the contract of every store."""

import base64
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mailvault.archive.content.sqlite import SqliteStore
from mailvault.archive.journal_mode import ROLLBACK_JOURNAL, WRITE_AHEAD_LOG
from mailvault.errors import ArchiveDamaged, ArchiveError, ArchiveTooNew, MessageMissing
from mailvault.mail.model import Digest


def random_octets(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def build_message(number: int, attachment: bytes = b"") -> bytes:
    choose = random.Random(number)
    words = " ".join(choose.choice(WORDS) for _ in range(100))
    message = f"Subject: message {number}\r\n\r\n{words}\r\n".encode()
    if not attachment:
        return message
    head = b"--x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return message + head + base64.encodebytes(attachment) + b"--x--\r\n"


WORDS = [random.Random(n).randbytes(4).hex() for n in range(500)]


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "content"


@pytest.fixture
def open_store(folder, tmp_path):
    """Open the store, as often as needed."""
    opened = []

    def open_store(**settings) -> SqliteStore:
        settings = {"archive_id": "a", "tmp": tmp_path, **settings}
        opened.append(SqliteStore(folder, **settings))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


def store_all(store: SqliteStore, messages) -> list[Digest]:
    digests = []
    for message in messages:
        prepared = store.prepare(message)
        store.put(prepared)
        digests.append(prepared.digest)
    store.commit()
    return digests


def volumes(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.db"))


def kinds(store: SqliteStore) -> set[str]:
    return {finding.kind for finding in store.check()}


def execute(path: Path, statement: str, *values) -> list[tuple]:
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


# Volumes


def test_volumes_stay_within_their_limit(open_store, folder):
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


def test_a_full_volume_never_changes_again(open_store, folder):
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


def test_an_object_larger_than_a_volume_gets_one_of_its_own(open_store, folder):
    store = open_store(volume_limit=200_000)
    messages = [build_message(0), random_octets(700_000), build_message(1)]
    digests = store_all(store, messages)

    sizes = [path.stat().st_size for path in volumes(folder)]

    assert sum(size > 200_000 for size in sizes) == 1
    assert [open_store().get(digest) for digest in digests] == messages


@pytest.mark.parametrize("journal", [ROLLBACK_JOURNAL, WRITE_AHEAD_LOG], ids=["delete", "wal"])
def test_a_sealed_volume_is_a_single_file(open_store, folder, journal):
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
def test_the_pragmas_of_the_journal_are_in_force(open_store, journal):
    store = open_store(journal=journal)
    digests = store_all(store, [build_message(n) for n in range(30)])

    assert [store.prove(digest) for digest in digests]
    assert open_store(journal=ROLLBACK_JOURNAL).get(digests[0]) == build_message(0)


def test_files_are_private_whatever_the_umask(open_store, folder):
    before = os.umask(0)
    try:
        store = open_store(volume_limit=100_000)
        for n in range(4):
            store_all(store, [build_message(n, random_octets(60_000, n))])
    finally:
        os.umask(before)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_reading_an_archive_writes_nothing(open_store, folder):
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


def test_a_commit_with_nothing_staged_changes_nothing(open_store, folder):
    store = open_store()
    store_all(store, [build_message(1)])
    before = volumes(folder)[0].read_bytes()

    store_all(store, [build_message(1)] * 3)

    assert volumes(folder)[0].read_bytes() == before


def test_a_volume_begun_by_a_process_that_died_is_used_again(open_store, folder):
    folder.mkdir()
    (folder / "000001.db").touch()

    assert list(open_store().digests()) == []
    assert list(open_store().check()) == []
    [digest] = store_all(open_store(), [build_message(1)])
    assert open_store().get(digest) == build_message(1)
    assert [path.name for path in volumes(folder)] == ["000001.db"]


# Dictionaries


def test_small_texts_share_a_dictionary(open_store, folder):
    store = open_store()
    digests = store_all(store, [build_message(n) for n in range(300)])

    rows = execute(volumes(folder)[0], "SELECT count(*) FROM object WHERE dictionary = 1")

    assert rows == [(300,)]
    assert all(open_store().prove(digest) for digest in digests)


def test_a_dictionary_is_used_in_the_next_process_and_the_next_volume(open_store, folder):
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
def test_a_small_archive_does_not_pay_for_a_dictionary_in_vain(open_store, folder, count):
    store_all(
        open_store(), [b"Subject: x\r\n\r\n" + random_octets(3000, n) for n in range(count)]
    )

    assert execute(volumes(folder)[0], "SELECT count(*) FROM dictionary") == [(0,)]


def test_a_dictionary_is_made_anew_when_there_is_much_more_text(open_store, folder):
    store = open_store()
    for start in range(0, 1200, 60):
        store_all(store, [build_message(n) for n in range(start, start + 60)])

    [(count,)] = execute(volumes(folder)[0], "SELECT count(*) FROM dictionary")

    assert 2 <= count <= 3
    assert all(store.prove(Digest.of(build_message(n))) for n in range(1200))


def test_a_damaged_dictionary_is_read_from_its_spare_copy(open_store, folder):
    digests = store_all(open_store(), [build_message(n) for n in range(300)])
    execute(volumes(folder)[0], "UPDATE dictionary SET spare = content, content = x'00'")

    store = open_store()

    assert [store.get(digest) for digest in digests[:3]] == [build_message(n) for n in range(3)]


def test_a_damaged_dictionary_is_found(open_store, folder):
    digests = store_all(open_store(), [build_message(n) for n in range(300)])
    execute(volumes(folder)[0], "UPDATE dictionary SET content = x'00'")

    store = open_store()

    assert kinds(store) == {"dictionary-damaged"}
    with pytest.raises(ArchiveDamaged):
        store.get(digests[0])


# Damage


def flipped(octets: bytes, bit: int) -> bytes:
    at = bit >> 3
    return octets[:at] + bytes([octets[at] ^ 1 << (bit & 7)]) + octets[at + 1 :]


def test_a_flipped_bit_never_gives_other_octets_and_is_healed(open_store, folder):
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


@pytest.mark.parametrize("keep", [0, 1, 0.5, 0.99], ids=["empty", "octet", "half", "most"])
def test_a_truncated_volume_never_gives_other_octets(open_store, folder, keep):
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
    open_store, folder, limit, what
):
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


def test_a_message_whose_part_is_missing_is_damaged(open_store, folder):
    attachment = random_octets(20_000)
    [digest] = store_all(open_store(), [build_message(1, attachment)])
    execute(
        volumes(folder)[0], "DELETE FROM object WHERE digest = ?", Digest.of(attachment).value
    )

    with pytest.raises(ArchiveDamaged, match=str(Digest.of(attachment))):
        open_store().get(digest)


@pytest.fixture
def three_volumes(open_store, folder) -> list[Path]:
    store = open_store(volume_limit=250_000)
    store_all(store, [random_octets(21_000, n) for n in range(20)])
    store.close()
    paths = volumes(folder)
    assert len(paths) == 3
    return paths


def test_a_missing_volume_is_found_and_nothing_in_it_is_said_to_be_missing(
    open_store, three_volumes
):
    digest = Digest.of(random_octets(21_000, 0))
    three_volumes[0].unlink()

    store = open_store()

    assert kinds(store) == {"volume-missing"}
    with pytest.raises(ArchiveDamaged, match=r"000001\.db is missing"):
        store.get(digest)
    assert digest not in store


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_volume_that_is_no_volume_is_found_and_the_others_are_read(
    open_store, three_volumes, place
):
    three_volumes[place].write_bytes(random_octets(50_000))

    store = open_store()

    assert kinds(store) == {"volume-damaged"}
    assert sum(1 for digest in store.digests() if store.prove(digest) > 20_000) >= 3
    store_all(store, [random_octets(21_000, n) for n in range(20)])
    for n in range(20):
        assert open_store().prove(Digest.of(random_octets(21_000, n)))


def test_swapped_volumes_are_found(open_store, three_volumes):
    first, second, _ = three_volumes
    first.rename(first.with_suffix(".x"))
    second.rename(first)
    first.with_suffix(".x").rename(second)

    assert kinds(open_store()) == {"volume-damaged"}


def test_a_symbolic_link_is_not_followed(open_store, three_volumes, tmp_path):
    elsewhere = tmp_path / "elsewhere.db"
    three_volumes[0].rename(elsewhere)
    three_volumes[0].symlink_to(elsewhere)

    assert kinds(open_store()) == {"volume-damaged"}


def test_a_volume_of_another_archive_is_refused(open_store, three_volumes):
    store = open_store(archive_id="b")

    assert kinds(store) == {"volume-damaged"}
    assert list(store.digests()) == []


def test_a_volume_of_a_later_release_is_refused(open_store, folder):
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
def test_an_index_that_leads_astray_is_found(open_store, folder, statement, kind):
    digests = store_all(open_store(), [build_message(n, random_octets(3000)) for n in range(3)])
    execute(volumes(folder)[0], statement)

    store = open_store()

    assert kinds(store) == {kind}
    if "part" not in statement:
        for digest in digests:
            with pytest.raises((ArchiveDamaged, MessageMissing)):
                store.get(digest)


def test_an_index_that_names_another_frame_is_never_believed(open_store, folder):
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


# Failures while writing


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + script, *map(str, arguments)],
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )


PRELUDE = """
import pathlib, random, resource, sys
from mailvault.archive.content.sqlite import SqliteStore
from mailvault.errors import ArchiveError
from mailvault.mail.model import Digest
folder = pathlib.Path(sys.argv[1])
store = SqliteStore(folder / "content", archive_id="a", tmp=folder)
"""

LIMITED = """
store.put(store.prepare(b"the first message"))
store.commit()
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
try:
    for n in range(40):
        store.put(store.prepare(random.Random(n).randbytes(int(sys.argv[2]))))
    store.commit()
except ArchiveError as error:
    print(type(error).__name__)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
assert store.get(Digest.of(b"the first message")) == b"the first message"
assert len(list(store.digests())) == 1
assert list(store.check()) == []
store.put(store.prepare(b"the second message"))
store.commit()
assert len(list(store.digests())) == 2
store.close()
print(sorted(path.name for path in folder.rglob("*") if path.is_file()))
"""


@pytest.mark.parametrize("size", [15_000, 900_000, 6_000_000])
def test_a_disk_that_refuses_loses_nothing_that_was_committed(tmp_path, size):
    # A limit on the size of files stands for a disk that takes no more.
    ended = run(LIMITED, tmp_path, size)

    assert ended.stdout == "ArchiveError\n['000001.db']\n", ended.stderr


KILLED = """
import os
for n in range(10_000):
    messages = [random.Random(f"{n}-{k}").randbytes(30_000).hex().encode() for k in range(20)]
    for message in messages:
        store.put(store.prepare(message))
    store.commit()
    os.write(1, ("".join(f"{Digest.of(message)}\\n" for message in messages)).encode())
"""


def test_killed_anywhere_it_opens_again_with_all_that_was_committed(tmp_path, open_store):
    committed: list[str] = []
    for delay in (0.02, 0.05, 0.11, 0.23, 0.31):
        with subprocess.Popen(
            [sys.executable, "-c", PRELUDE + KILLED, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(delay)
            process.kill()
            committed += [line for line in (first + process.stdout.read()).split("\n") if line]

    store = open_store()

    assert committed
    assert list(store.check()) == []
    assert {store.prove(Digest.parse(line)) for line in committed} == {60_000}
    assert list(tmp_path.glob("content-*")) == []


LARGE = """
class Large:
    size = 150 << 20
    def chunks(self):
        head = b"Content-Transfer-Encoding: " + sys.argv[2].encode() + b"\\r\\n\\r\\n"
        line = b"".join(b"%018d" % n for n in range(4)) + b"AAAA\\r\\n"
        block = (line * (1 + (1 << 20) // len(line)))
        left, first = self.size, True
        held = b""
        while left:
            held += (head if first else b"") + block
            first = False
            yield held[: min(left, 1 << 20)]
            left -= min(left, 1 << 20)
            held = held[1 << 20 :]
    def discard(self): pass
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
prepared = store.prepare(Large())
store.put(prepared)
store.commit()
octets = store.get(prepared.digest)
assert octets.size == Large.size
assert sum(map(len, octets.chunks())) == Large.size
octets.discard()
assert store.prove(prepared.digest) == Large.size
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
store.close()
"""


@pytest.mark.parametrize("what", ["base64", "7bit"])
def test_a_message_of_150_mib_needs_little_memory(tmp_path, what):
    ended = run(LARGE, tmp_path, what)

    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) < 90 << 10  # KiB
    assert [path.name for path in tmp_path.iterdir()] == ["content"]
