"""What every content store must do, the one in memory too."""

import base64
import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pytest

from mailvault.archive.content.maildir import MaildirStore
from mailvault.archive.content.memory import MemoryStore
from mailvault.archive.content.sqlite import SqliteStore
from mailvault.errors import ArchiveError, MessageMissing
from mailvault.mail.model import Digest, Octets
from mailvault.mail.outline import OUTLINE_LIMIT
from mailvault.ports import ContentStore, Reclaiming, Salvaging


class Store(ContentStore, Reclaiming, Salvaging, Protocol):
    """All of them can do all of it."""


Reopen = Callable[[], Store]


class Streamed:
    """A large message as a source hands it on."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.size = len(octets)

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, self.size, 1 << 20):
            yield self._octets[start : start + (1 << 20)]

    def discard(self) -> None:
        pass


@pytest.fixture(params=["memory", "sqlite", "sqlite-small-volumes", "maildir"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    """Open the store; called again, open it again as another process would."""
    opened: list[Store] = []
    memory = MemoryStore()

    def open_store() -> Store:
        if request.param == "memory":
            return memory
        for store in opened:
            store.close()
        if request.param == "maildir":
            opened.append(MaildirStore(tmp_path / "content", tmp=tmp_path))
            return opened[-1]
        limit = 1 << 30 if request.param == "sqlite" else 150_000
        folder = tmp_path / "content"
        opened.append(SqliteStore(folder, archive_id="a", tmp=tmp_path, volume_limit=limit))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture
def store(reopen: Reopen) -> Store:
    return reopen()


def build_message(
    number: int, attachment: bytes = b"", text: str = "lorem ipsum dolor "
) -> bytes:
    message = f"Subject: message {number}\r\n\r\n{text * 20}\r\n".encode()
    if not attachment:
        return message
    head = b"--x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    body = base64.encodebytes(attachment).replace(b"\n", b"\r\n")
    return message + head + body + b"--x--\r\n"


def random_octets(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def whole(octets: Octets) -> bytes:
    if isinstance(octets, bytes):
        return octets
    assert octets.size > 1 << 20
    held = b"".join(octets.chunks())
    octets.discard()
    octets.discard()
    assert len(held) == octets.size
    return held


def store_all(store: Store, messages: Iterable[bytes]) -> list[Digest]:
    digests = []
    for message in messages:
        prepared = store.prepare(message)
        store.put(prepared)
        digests.append(prepared.digest)
    store.commit()
    return digests


MESSAGES = [
    b"",
    b"\x00",
    b"\n",
    b"no header at all",
    bytes(range(256)) * 5,
    build_message(1),
    build_message(2, random_octets(30_000)),
    build_message(2, random_octets(30_000)).replace(b"\r\n", b"\n"),
    build_message(3, random_octets(30_000)) + b"\xff bytes after the end",
    build_message(4, b"text of an attachment\n" * 5000),
    b"base64\r\n\r\n",
    random_octets(1 << 20, 7),
    random_octets((1 << 20) + 1, 8),
]


@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_the_very_octets_come_back(reopen: Reopen, message: bytes) -> None:
    [digest] = store_all(reopen(), [message])

    store = reopen()

    assert digest == Digest.of(message)
    assert whole(store.get(digest)) == message
    assert store.prove(digest) == len(message)
    assert digest in store


@pytest.mark.parametrize("large", [random_octets(9_000_000), b"a line of text\n" * 700_000])
def test_a_large_message_comes_back(reopen: Reopen, large: bytes) -> None:
    message = build_message(1, large) + build_message(2, large)
    prepared = reopen().prepare(Streamed(message))
    store = reopen()
    store.put(prepared)
    store.commit()

    again = reopen()

    assert prepared.digest == Digest.of(message)
    assert prepared.size == len(message)
    assert whole(again.get(prepared.digest)) == message
    assert again.outline(prepared.digest) == prepared.outline


def test_a_streamed_message_is_the_same_message(store: Store) -> None:
    message = build_message(1, random_octets(6_000_000))
    store_all(store, [message])

    assert store.prepare(Streamed(message)).outline is None
    assert store.prepare(Streamed(message)).digest == Digest.of(message)


def test_a_message_is_not_there_before_the_commit(reopen: Reopen) -> None:
    store = reopen()
    prepared = store.prepare(MESSAGES[6])
    store.put(prepared)

    assert prepared.digest not in store
    with pytest.raises(MessageMissing):
        store.get(prepared.digest)
    store.commit()
    assert prepared.digest in store


def test_a_rollback_forgets_what_was_staged(reopen: Reopen) -> None:
    store = reopen()
    kept = store_all(store, [build_message(0)])
    for number in range(1, 40):
        store.put(store.prepare(build_message(number, random_octets(20_000, number))))
    store.rollback()
    store.commit()

    store = reopen()

    assert list(store.digests()) == kept
    assert Digest.of(build_message(1, random_octets(20_000, 1))) not in store
    assert list(store.check()) == []


def test_after_a_rollback_the_same_messages_can_be_stored(reopen: Reopen) -> None:
    store = reopen()
    messages = [build_message(number, random_octets(20_000, number)) for number in range(20)]
    for message in messages:
        store.put(store.prepare(message))
    store.rollback()
    digests = store_all(store, messages)

    store = reopen()

    assert [whole(store.get(digest)) for digest in digests] == messages


def test_a_message_prepared_before_a_rollback_is_never_taken_for_stored(
    store: Store,
) -> None:
    message = build_message(1)
    store.put(store.prepare(message))
    prepared = store.prepare(message)
    store.rollback()

    try:
        store.put(prepared)
        store.commit()
    except ArchiveError:
        assert Digest.of(message) not in store
    else:
        assert store.get(Digest.of(message)) == message


def test_a_message_that_is_stored_has_no_outline_when_prepared_again(
    store: Store,
) -> None:
    message = MESSAGES[6]
    store_all(store, [message])

    assert store.prepare(message).outline is None


def test_duplicates_cost_next_to_nothing(store: Store) -> None:
    message = build_message(1, random_octets(100_000))
    store_all(store, [message])
    before = store.stored_octets()

    store_all(store, [message] * 50)

    assert store.stored_octets() == before


def test_the_same_message_may_be_staged_twice(store: Store) -> None:
    prepared = [store.prepare(MESSAGES[6]), store.prepare(MESSAGES[6])]
    for each in prepared:
        store.put(each)
    store.commit()

    assert store.get(prepared[0].digest) == MESSAGES[6]


def test_digests_name_every_message(reopen: Reopen) -> None:
    messages = [build_message(number, random_octets(9000, number)) for number in range(60)]
    digests = store_all(reopen(), messages)

    found = list(reopen().digests())

    assert set(digests) <= set(found)
    assert len(found) == len(set(found))


def test_a_digest_that_was_never_stored_is_missing(store: Store) -> None:
    store_all(store, [build_message(1)])
    unknown = Digest.of(b"never stored")

    assert unknown not in store
    for ask in (store.get, store.prove, store.outline):
        with pytest.raises(MessageMissing):
            ask(unknown)


def test_an_empty_store_holds_nothing(store: Store) -> None:
    store.commit()

    assert list(store.digests()) == []
    assert Digest.of(b"") not in store
    assert list(store.check()) == []
    assert store.stored_octets() == 0


def test_an_outline_is_the_text_with_its_holes(reopen: Reopen) -> None:
    message = build_message(1, random_octets(30_000)) + build_message(2, random_octets(5000, 2))
    store = reopen()
    prepared = store.prepare(message)
    store.put(prepared)
    store.commit()

    outline = reopen().outline(prepared.digest)

    assert outline == prepared.outline
    assert [hole.size for hole in outline.holes] == [30_000, 5000]
    assert outline.text.startswith(b"Subject: message 1\r\n")
    assert len(outline.text) < 2000


def test_an_outline_is_cut_at_its_limit(reopen: Reopen) -> None:
    message = b"x" * (OUTLINE_LIMIT + 10) + build_message(1, random_octets(30_000))
    [digest] = store_all(reopen(), [message])

    outline = reopen().outline(digest)

    assert outline.text == b"x" * OUTLINE_LIMIT
    assert outline.holes == ()


def test_messages_are_prepared_in_many_threads(reopen: Reopen) -> None:
    store = reopen()
    messages = [build_message(n % 150, random_octets(5000, n % 7)) for n in range(300)]
    with ThreadPoolExecutor(8) as pool:
        for prepared in pool.map(store.prepare, messages):
            store.put(prepared)
            store.prepare(messages[0])
    store.commit()

    store = reopen()

    for message in messages:
        assert store.get(Digest.of(message)) == message


def test_what_only_a_forgotten_message_needs_can_be_reclaimed(reopen: Reopen) -> None:
    store = reopen()
    shared = random_octets(50_000)
    messages = [build_message(1, shared), build_message(2, shared), random_octets(90_000, 3)]
    forgotten, *kept = store_all(store, messages)
    store = reopen()
    waste = store.waste([forgotten], kept.__contains__)

    assert 0 < waste.octets < 1000 or waste.objects == 1
    for _ in range(2):
        store.reclaim([forgotten], kept.__contains__)

    assert [whole(reopen().get(digest)) for digest in kept] == messages[1:]
    assert list(reopen().check()) == []


def test_a_reclaimed_message_is_stored_again_when_it_comes_back(reopen: Reopen) -> None:
    store = reopen()
    message = build_message(1, random_octets(50_000))
    [digest] = store_all(store, [message])
    store.reclaim([digest], lambda _: False)
    store_all(store, [message])

    assert whole(reopen().get(digest)) == message


def test_messages_that_nothing_refers_to_are_found(reopen: Reopen) -> None:
    store = reopen()
    kept, orphan = store_all(
        store, [build_message(1, random_octets(9000)), build_message(2, random_octets(9000, 2))]
    )

    assert list(reopen().orphans({kept}.__contains__)) == [orphan]
    assert list(reopen().orphans({kept, orphan}.__contains__)) == []


def test_salvaging_a_sound_store_changes_nothing(reopen: Reopen, tmp_path: Path) -> None:
    store = reopen()
    digests = store_all(store, MESSAGES)

    assert list(store.salvage(tmp_path / "aside")) == []
    assert all(
        reopen().prove(digest) == len(octets)
        for digest, octets in zip(digests, MESSAGES, strict=True)
    )
