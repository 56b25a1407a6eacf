"""Messages made ready in other processes are stored as if they were made ready here."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from mailvault.archive import readying_elsewhere
from mailvault.archive.content import tray
from mailvault.archive.content.prepared import PreparedMessage
from mailvault.archive.content.sqlite import SqliteStore
from mailvault.archive.readying import Here, Ready
from mailvault.archive.readying_elsewhere import Elsewhere
from mailvault.errors import ArchiveError
from mailvault.mail.model import Digest
from tests.corpus.odd import oddities
from tests.corpus.ordinary import generate, small
from tests.unit.archive.content.stored_mail import OpenStore, random_octets

COUNT = 40


def ordinary() -> list[bytes]:
    return [letter.octets for letter in generate(5, COUNT)]


def elsewhere(store: SqliteStore) -> Elsewhere:
    return Elsewhere(store.workers(), Here(store))


def made_ready(readying: Here | Elsewhere, messages: Sequence[bytes]) -> list[Ready]:
    outcomes = readying.ready(messages)
    ready = [each for each in outcomes if isinstance(each, Ready)]
    assert ready == outcomes
    return ready


def stored(store: SqliteStore, readying: Elsewhere, messages: Sequence[bytes]) -> None:
    for each in made_ready(readying, messages):
        store.put(each.prepared)
    store.commit()


def processes(store: SqliteStore) -> list[subprocess.Popen[bytes]]:
    assert store._workers is not None
    return [worker._process for worker in store._workers._workers]


def test_what_workers_made_ready_is_given_back_exactly(open_store: OpenStore) -> None:
    store = open_store()
    messages = ordinary() + [each.octets for each in oddities()]

    readying = elsewhere(store)
    stored(store, readying, messages)
    readying.close()

    again = open_store()
    assert all(again.get(Digest.of(octets)) == octets for octets in messages)
    assert list(again.check()) == []


def test_more_than_the_memory_in_common_holds_is_made_ready_too(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tray, "SIZE", 100_000)
    messages = [random_octets(60_000, number) for number in range(4)]
    store = open_store()

    readying = elsewhere(store)
    stored(store, readying, messages[:1])
    stored(store, readying, messages[1:])
    readying.close()

    again = open_store()
    assert all(again.get(Digest.of(octets)) == octets for octets in messages)


def test_workers_index_messages_as_this_process_does(open_store: OpenStore) -> None:
    store = open_store()
    messages = ordinary()
    here = made_ready(Here(store), messages)

    readying = elsewhere(store)
    there = made_ready(readying, messages)
    readying.close()

    assert [each.index for each in there] == [each.index for each in here]
    assert all(each.index is not None for each in there)


def test_a_dictionary_learned_on_the_way_serves_the_workers_too(open_store: OpenStore) -> None:
    store = open_store()
    readying = elsewhere(store)
    mail = [letter.octets for letter in small(3, 12_000)]
    for start in range(0, len(mail), 3_000):
        stored(store, readying, mail[start : start + 3_000])
    readying.close()

    with_dictionary = sum(
        extent.dictionary is not None
        for digest in map(Digest.of, mail[-3_000:])
        for extent in store._volumes.require(digest.value)[1]
    )
    assert with_dictionary > 2_900
    again = open_store()
    assert all(again.get(Digest.of(octets)) == octets for octets in mail[::97])


def test_what_the_store_got_meanwhile_is_not_made_ready_again(open_store: OpenStore) -> None:
    store = open_store()
    messages = ordinary()
    readying = elsewhere(store)
    stored(store, readying, messages)

    again = made_ready(readying, messages)
    readying.close()

    for each in again:
        assert isinstance(each.prepared, PreparedMessage)
        assert each.prepared.objects == ()
        assert each.index is None


def test_a_message_twice_in_one_batch_is_stored_once(open_store: OpenStore) -> None:
    store = open_store()
    messages = ordinary()[:3] * 2

    readying = elsewhere(store)
    stored(store, readying, messages)
    readying.close()

    held = [digest for digest in store.digests() if digest in map(Digest.of, messages)]
    assert len(held) == len(set(held)) == 3


def test_a_damaged_copy_is_replaced_by_what_a_worker_made_ready(
    open_store: OpenStore, folder: Path
) -> None:
    store = open_store()
    octets = bytes(range(256)) * 40
    store.put(store.prepare(octets))
    store.commit()
    store.close()
    volume = folder / "000001.db"
    content = bytearray(volume.read_bytes())
    content[content.find(octets[:200])] ^= 1
    volume.write_bytes(content)
    store = open_store()
    with pytest.raises(ArchiveError):
        store.get(Digest.of(octets))

    readying = elsewhere(store)
    stored(store, readying, [octets])
    readying.close()

    assert open_store().get(Digest.of(octets)) == octets


def test_what_a_killed_worker_left_undone_is_made_ready_here(
    open_store: OpenStore, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store()
    messages = ordinary()
    readying = elsewhere(store)
    stored(store, readying, messages[:10])
    for worker in processes(store):
        worker.kill()
        worker.wait()

    stored(store, readying, messages[10:20])
    stored(store, readying, messages[20:])
    readying.close()

    assert [each.message for each in caplog.records] == [
        "a process that prepares mail ended unexpectedly; this one goes on alone"
    ]
    again = open_store()
    assert all(again.get(Digest.of(octets)) == octets for octets in messages)


def test_where_no_process_can_be_started_mail_is_made_ready_here(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    store = open_store()
    here = Here(store)
    before = open_descriptors()

    assert readying_elsewhere.elsewhere(store, here) is here

    assert open_descriptors() == before
    assert "No such file" in caplog.text


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


PARENT = """
import sys
from pathlib import Path
from mailvault.archive.content.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]), archive_id="a", tmp=Path(sys.argv[1]))
workers = store.workers()
workers.prepare([b"Subject: one\\r\\n\\r\\n"])
print(*(worker._process.pid for worker in workers._workers), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_workers_end_with_the_process_that_started_them(
    tmp_path: Path, number: signal.Signals
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        workers = [int(word) for word in parent.stdout.readline().split()]
        handles = [os.pidfd_open(worker) for worker in workers]
        parent.send_signal(number)
        parent.wait(20)
    for handle in handles:
        assert ended(handle), "a worker outlived the process that started it"
        os.close(handle)


def ended(handle: int) -> bool:
    """Whether a process ends soon: its descriptor becomes readable then."""
    return bool(select.select([handle], [], [], 20)[0])


def test_workers_know_nothing_of_the_environment(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORK_PASSWORD", "a canary")
    readying = elsewhere(store := open_store())
    readying.ready(ordinary()[:1])

    (worker, *_) = processes(store)
    environment = Path(f"/proc/{worker.pid}/environ").read_bytes()
    readying.close()

    assert b"canary" not in environment
