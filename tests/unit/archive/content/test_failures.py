"""A disk that is full, a process that is killed, a message that is too big for memory."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mailvault.archive.content.packs import PackCache
from mailvault.archive.content.volume import Volume
from mailvault.archive.content.volume_writer import VolumeWriter
from mailvault.archive.journal_mode import ROLLBACK_JOURNAL
from mailvault.errors import NoSpace
from mailvault.mail.model import Digest
from mailvault.ports import Prepared
from tests.unit.archive.content.stored_mail import (
    OpenStore,
    build_message,
    random_octets,
    store_all,
)


def test_a_full_disk_is_called_a_full_disk(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "000001.db", "a", PackCache())
    writer = VolumeWriter(volume, ROLLBACK_JOURNAL)
    writer.commit(is_full=False)
    writer.begin()
    writer._connection.execute("PRAGMA max_page_count = 20")

    with pytest.raises(NoSpace):
        writer.add_pack(1, bytearray(200_000), [(bytes(32), 0, 1, 0, 200_000, 9, 0, None)])
    writer.rollback()

    assert volume.digests() == b""
    writer.close()


def test_a_reader_sees_what_was_committed_while_more_is_staged(open_store: OpenStore) -> None:
    writing = open_store()
    [digest] = store_all(writing, [build_message(1)])
    staged = [writing.prepare(random_octets(2000, n)) for n in range(5)]
    for prepared in staged:
        writing.put(prepared)

    reading = open_store()

    assert list(reading.digests()) == [digest]
    assert reading.get(digest) == build_message(1)
    writing.commit()
    assert all(reading.prove(prepared.digest) == 2000 for prepared in staged)


def test_a_message_is_read_while_so_much_is_staged_that_the_volume_is_locked(
    open_store: OpenStore,
) -> None:
    store = open_store()
    [digest] = store_all(store, [build_message(1)])
    large = [store.prepare(random_octets(4_000_000, n)) for n in range(8)]

    for prepared in large:
        store.put(prepared)
        assert store.prepare(build_message(1)).outline is None
        assert store.get(digest) == build_message(1)
        assert prepared.digest not in store
    store.commit()

    assert sum(store.prove(prepared.digest) for prepared in large) == 32_000_000


def test_a_commit_in_one_thread_and_reading_in_others_do_not_disturb_each_other(
    open_store: OpenStore,
) -> None:
    store = open_store(volume_limit=3_000_000)
    messages = [build_message(n, random_octets(30_000, n)) for n in range(300)]

    def prepare_and_read(message: bytes) -> tuple[Prepared, bool]:
        prepared = store.prepare(message)
        earlier = next(iter(store.digests()), None)
        return prepared, earlier is None or store.prove(earlier) > 0

    with ThreadPoolExecutor(4) as pool:
        for count, (prepared, is_read) in enumerate(pool.map(prepare_and_read, messages)):
            assert is_read
            store.put(prepared)
            if count % 20 == 19:
                store.commit()
    store.commit()

    assert all(store.get(Digest.of(message)) == message for message in messages)
    assert list(store.check()) == []


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
from mailvault.ports import Prepared
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
def test_a_disk_that_refuses_loses_nothing_that_was_committed(
    tmp_path: Path, size: int
) -> None:
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


def test_killed_anywhere_it_opens_again_with_all_that_was_committed(
    tmp_path: Path, open_store: OpenStore
) -> None:
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
def test_a_message_of_150_mib_needs_little_memory(tmp_path: Path, what: str) -> None:
    ended = run(LARGE, tmp_path, what)

    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) < 90 << 10  # KiB
    assert [path.name for path in tmp_path.iterdir()] == ["content"]
