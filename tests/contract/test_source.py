"""What every source promises: the suite of `ports.Source`."""

import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.recorder import Recorder
from mailvault.demo.mailbox import ServedAccount
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.mbox import from_line, quote
from mailvault.mail.model import INBOX, Batch, Cursor, Digest, Mailbox, octet_count
from mailvault.ports import Comparison, Inspecting, Known, Source
from mailvault.sources.files import FileSource
from mailvault.sources.imap import ImapSource
from mailvault.sources.pop3 import Pop3Source
from mailvault.sources.trees import open_tree
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.transport.pop3 import Pop3Client
from mailvault.wiring import SystemClock
from tests.servers.bent import BentServer, as_it_should
from tests.servers.pop3_box import Box
from tests.unit.transport.scripted import HOST

ALL = MailboxGlobs(["*"])


class Served(Protocol):
    """A server with an INBOX, and sources that read it."""

    def append(self, octets: bytes) -> None: ...

    def expunge_first(self) -> None: ...

    def open_source(self) -> Source: ...


class ServedByImap:
    def __init__(self, resources: ExitStack, folder: Path) -> None:
        self._account = ServedAccount("me", "secret")
        self._inbox = self._account.create("INBOX")
        self._server = resources.enter_context(BentServer(self._account, as_it_should))
        self._folder = folder

    def append(self, octets: bytes) -> None:
        now = datetime(2026, 1, 5, tzinfo=UTC)
        self._inbox.append(octets, flags=frozenset(), internal_date=now)

    def expunge_first(self) -> None:
        self._inbox.expunge(min(self._inbox.messages))

    def open_source(self) -> Source:
        endpoint = Endpoint(HOST, self._server.port, TlsMode.NONE)
        login = Login("me", lambda: "secret")
        return ImapSource(
            lambda: ImapClient.connect(endpoint, login, self._folder), ALL, clock=SystemClock()
        )


class ServedByPop3:
    def __init__(self, resources: ExitStack, folder: Path) -> None:
        self._box = Box({})
        self._server = resources.enter_context(self._box.serve())
        self._folder = folder
        self._given = 0

    def append(self, octets: bytes) -> None:
        self._given += 1
        self._box.messages[f"id{self._given}"] = octets

    def expunge_first(self) -> None:
        del self._box.messages[next(iter(self._box.messages))]

    def open_source(self) -> Source:
        endpoint = Endpoint(HOST, self._server.port, TlsMode.NONE)
        login = Login("me", lambda: "secret")
        return Pop3Source(
            lambda: Pop3Client.connect(endpoint, login, self._folder), ALL, clock=SystemClock()
        )


class ServedByFiles:
    """Files in a folder; ``path`` is what is imported."""

    def __init__(self, resources: ExitStack, folder: Path) -> None:
        self.path = folder / "mail"
        self.path.mkdir()
        self._spool = folder / "spool"
        self._spool.mkdir()
        self._given = 0
        self.prepare()

    def prepare(self) -> None: ...

    def append(self, octets: bytes) -> None:
        self._given += 1
        self.write(self._given, octets)

    def write(self, number: int, octets: bytes) -> None: ...

    def expunge_first(self) -> None: ...

    def open_source(self) -> Source:
        path, spool = self.path, self._spool
        return FileSource(lambda: open_tree(path, spool), spool_folder=spool)


class ServedByMaildir(ServedByFiles):
    def prepare(self) -> None:
        for name in ("cur", "new", "tmp"):
            (self.path / name).mkdir()

    def write(self, number: int, octets: bytes) -> None:
        (self.path / "cur" / f"{number:04}.M1.host:2,S").write_bytes(octets)

    def expunge_first(self) -> None:
        min((self.path / "cur").iterdir()).unlink()


class ServedByTar(ServedByMaildir):
    """A Maildir in a compressed tar."""

    def open_source(self) -> Source:
        packed, spool = self.path.with_suffix(".tgz"), self._spool
        with tarfile.open(packed, "w:gz") as tar:
            tar.add(self.path, "mail")
        return FileSource(lambda: open_tree(packed, spool), spool_folder=spool)


class ServedByMbox(ServedByFiles):
    def prepare(self) -> None:
        self.path /= "INBOX"
        self.path.touch()

    def write(self, number: int, octets: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(from_line(datetime(2026, 1, 5, tzinfo=UTC)) + quote(octets) + b"\n")

    def expunge_first(self) -> None:
        octets = self.path.read_bytes()
        self.path.write_bytes(octets[octets.index(b"\nFrom ") + 1 :])


class ServedByEml(ServedByFiles):
    """An export, which says what its mailboxes are; empty ones too."""

    def prepare(self) -> None:
        (self.path / "INBOX").mkdir()
        lines = (
            {"mailvault_export": 1, "format": "eml"},
            {"mailbox": ["INBOX"], "path": ["INBOX"]},
        )
        record = self.path / "mailvault-export.jsonl"
        record.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def write(self, number: int, octets: bytes) -> None:
        (self.path / "INBOX" / f"{number}.eml").write_bytes(octets)

    def expunge_first(self) -> None:
        (self.path / "INBOX" / "1.eml").unlink()


Build = Callable[[ExitStack, Path], Served]

SERVERS: dict[str, Build] = {"imap": ServedByImap, "pop3": ServedByPop3}
FILES: dict[str, Build] = {
    "maildir": ServedByMaildir,
    "tar": ServedByTar,
    "mbox": ServedByMbox,
    "eml": ServedByEml,
}
ANY = SERVERS | FILES


def built(request: pytest.FixtureRequest, folder: Path, resources: ExitStack) -> Served:
    return ANY[request.param](resources, folder)


@pytest.fixture(params=FILES)
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """What only adds: files that are not there any more prove nothing."""
    with ExitStack() as resources:
        yield built(request, tmp_path, resources)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    with ExitStack() as resources:
        yield built(request, tmp_path, resources)


@pytest.fixture(params=ANY)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    with ExitStack() as resources:
        yield built(request, tmp_path, resources)


class Keeper:
    """An archive of one mailbox, and what a source is asked about it."""

    def __init__(self, archive: Archive, recorder: Recorder) -> None:
        self._archive = archive
        self._recorder = recorder
        self._id = recorder.describe(recorder.account("me", "any"), Mailbox(INBOX))
        self.cursor: Cursor | None = None

    def walk(self, served: Served) -> list[Batch]:
        """One pass, stored."""
        with served.open_source() as source:
            batches = []
            for batch in source.changes(self._listed(source), self.cursor, self.known):
                batches.append(batch)
                self._recorder.add(self._id, batch)
                self.cursor = batch.cursor or self.cursor
                if batch.stored is not None:  # the source waits to be told
                    self._recorder.flush()
                    batch.stored()
        self._recorder.flush()
        return batches

    def count_new(self, served: Served) -> int:
        with served.open_source() as source:
            return source.count_new(self._listed(source), self.cursor, self.known)

    @property
    def known(self) -> Known:
        return self._archive.known(self._id)

    def _listed(self, source: Source) -> Mailbox:
        (mailbox,) = [each for each in source.mailboxes() if each.name == INBOX]
        return mailbox


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    with Archive.create(tmp_path / "archive", clock=SystemClock()) as archive:
        recorder = archive.start_run()
        yield Keeper(archive, recorder)
        recorder.finish(0)


def build(number: int) -> bytes:
    return b"Message-ID: <%d@x>\r\n\r\nbody %d\r\n" % (number, number)


def arrived(batches: list[Batch]) -> list[bytes]:
    return [a.octets for batch in batches for a in batch.arrived if isinstance(a.octets, bytes)]


def test_everything_arrives_in_order_and_the_last_batch_is_complete(
    served: Served, keeper: Keeper
) -> None:
    letters = [build(number) for number in range(20)]
    for letter in letters:
        served.append(letter)

    batches = keeper.walk(served)

    assert arrived(batches) == letters
    assert [batch.is_complete for batch in batches][-1:] == [True]
    assert keeper.cursor is not None
    uids = [each.uid for batch in batches for each in batch.arrived]
    assert uids == sorted(set(uids))


def test_an_empty_mailbox_is_complete(served: Served, keeper: Keeper) -> None:
    (batch,) = keeper.walk(served)

    assert batch.is_complete
    assert not batch.arrived


def test_a_second_pass_brings_only_what_is_new(served: Served, keeper: Keeper) -> None:
    served.append(build(1))
    keeper.walk(served)
    served.append(build(2))
    assert keeper.count_new(served) == 1

    assert arrived(keeper.walk(served)) == [build(2)]
    assert arrived(keeper.walk(served)) == []


def test_what_was_expunged_is_told(server: Served, keeper: Keeper) -> None:
    for number in range(3):
        server.append(build(number))
    keeper.walk(server)
    server.expunge_first()

    batches = keeper.walk(server)

    assert sum(len(batch.expunged) for batch in batches) == 1
    assert keeper.known.count() == 2


def test_files_that_are_gone_say_nothing(files: Served, keeper: Keeper) -> None:
    for number in range(3):
        files.append(build(number))
    keeper.walk(files)
    files.expunge_first()

    batches = keeper.walk(files)

    assert not any(batch.expunged or batch.arrived for batch in batches)
    assert keeper.known.count() == 3


@pytest.mark.parametrize("cursor", ["", "nonsense", "[]", "{", "1:2", '{"next":"x"}'])
def test_a_cursor_that_cannot_be_read_loses_nothing(
    served: Served, keeper: Keeper, cursor: str
) -> None:
    served.append(build(1))
    keeper.walk(served)
    served.append(build(2))
    keeper.cursor = Cursor(cursor)

    keeper.walk(served)

    assert keeper.known.count() == 2


def test_a_pass_that_is_broken_off_leaves_what_it_brought(
    served: Served, keeper: Keeper
) -> None:
    for number in range(5):
        served.append(build(number))
    with served.open_source() as source:
        (mailbox,) = source.mailboxes()
        next(iter(source.changes(mailbox, None, keeper.known)))

    assert len(arrived(keeper.walk(served))) == 5


def test_batches_are_small(served: Served, keeper: Keeper) -> None:
    for number in range(12):
        served.append(build(number) + b"x" * 1_000_000 + b"\r\n")

    batches = keeper.walk(served)

    assert max(sum(octet_count(a.octets) for a in b.arrived) for b in batches) < 16 << 20
    assert len(arrived(batches)) == 12


class TestInspecting:
    """What `ports.Inspecting` promises of servers that can be compared with the archive."""

    def compared(self, served: Served, keeper: Keeper) -> list[Comparison]:
        with served.open_source() as source:
            assert isinstance(source, Inspecting)
            listed = self.listed(source)
            return list(source.compare(listed, keeper.cursor, keeper.known))

    def listed(self, source: Inspecting) -> Mailbox:
        (mailbox,) = source.everything()
        return mailbox

    def test_what_both_have_is_matched(self, server: Served, keeper: Keeper) -> None:
        for number in range(3):
            server.append(build(number))
        keeper.walk(server)

        compared = self.compared(server, keeper)

        assert len(compared) == 3
        assert all(each.listed and each.kept for each in compared)

    def test_what_one_side_lacks_comes_alone(self, server: Served, keeper: Keeper) -> None:
        for number in range(3):
            server.append(build(number))
        keeper.walk(server)
        server.expunge_first()
        server.append(build(9))

        compared = self.compared(server, keeper)

        alone = [(each.listed is None, each.kept is None) for each in compared]
        assert sorted(alone) == [(False, False), (False, False), (False, True), (True, False)]
        (news,) = [each.listed for each in compared if each.kept is None]
        assert news is not None
        assert news.is_news

    def test_what_is_read_again_is_what_was_archived(
        self, server: Served, keeper: Keeper
    ) -> None:
        for number in range(3):
            server.append(build(number))
        keeper.walk(server)

        with server.open_source() as source:
            assert isinstance(source, Inspecting)
            mailbox = self.listed(source)
            compared = list(source.compare(mailbox, keeper.cursor, keeper.known))
            kept = {each.listed.remote_id: each.kept for each in compared if each.listed}
            wanted = [each.listed for each in compared if each.listed]
            for reread in source.reread(mailbox, wanted):
                expected = kept[reread.listed.remote_id]
                assert isinstance(reread.octets, bytes)
                assert expected is not None
                assert Digest.of(reread.octets) == expected.digest

    def test_a_server_that_was_not_synced_has_only_news(
        self, server: Served, keeper: Keeper
    ) -> None:
        server.append(build(1))

        (compared,) = self.compared(server, keeper)

        assert compared.kept is None
        assert compared.listed is not None
        assert compared.listed.is_news
