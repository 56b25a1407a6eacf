"""What is deleted from a POP3 server, when, and what never is."""

from datetime import timedelta
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.content.memory import MemoryStore
from mailvault.errors import ArchiveDamaged, LoginRefused
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Digest
from mailvault.operations.accept import accept, suspected
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.removal import RemovalPolicy
from mailvault.operations.sync import sync
from mailvault.sources.pop3 import Pop3Source
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.pop3 import Pop3Client
from tests.unit.sources.imap_syncs import ImpatientClock
from tests.unit.sources.pop3_syncs import (
    AT_ONCE,
    QUICK,
    SetClock,
    arrived,
    build,
    build_box,
    refusal,
    run,
)
from tests.unit.transport.scripted import HOST


def test_nothing_is_deleted_unless_asked(archive: Archive) -> None:
    box = build_box(5)

    report = run(archive, box)

    assert report.deleted_on_server == 0
    assert box.said(b"DELE") == 0


@pytest.mark.parametrize("quits", ["deletes and hangs up", "hangs up", "-ERR"])
def test_an_unanswered_quit_is_settled_and_is_no_loss(archive: Archive, quits: str) -> None:
    box = build_box(60, quits=quits)

    report = run(archive, box, AT_ONCE)
    box.quits = "+OK"
    again = run(archive, box, AT_ONCE)

    assert report.deleted_on_server + again.deleted_on_server == 60
    assert not any(r.suspicion or r.mailboxes[0].suspicion for r in (report, again))
    assert not box.messages
    assert len(list(archive.catalog.placements(gone=True))) == 60


def test_a_quit_that_nobody_could_settle_is_settled_by_the_next_sync(archive: Archive) -> None:
    box = build_box(60, quits="deletes and hangs up")
    sessions = iter((True, True))
    login = Pop3Client.connect

    class Unreachable(Exception):
        pass

    with box.serve() as server:
        endpoint = Endpoint(HOST, server.port, TlsMode.NONE, timeouts=QUICK)

        def connect() -> Pop3Client:
            if next(sessions, False):
                return login(endpoint, Login("me", lambda: "secret"), None)
            raise LoginRefused("not now")

        account = SyncAccount(
            "me",
            "pop3",
            lambda: Pop3Source(connect, MailboxGlobs(["*"]), clock=ImpatientClock()),
            MailboxGlobs(["*"]),
            removal=AT_ONCE,
        )
        sync(archive, [account])
    assert sum(1 for _ in archive.catalog.placements()) == 60

    report = run(archive, box, AT_ONCE)

    assert report.deleted_on_server == 60
    assert report.exit_code == 0
    assert not list(archive.catalog.placements())


def test_a_message_that_is_another_one_now_is_not_deleted(archive: Archive) -> None:
    box = build_box(3)
    run(archive, box)
    box.messages["id1"] = build(1).replace(b"me@", b"us@")  # of the same size

    report = run(archive, box, AT_ONCE)

    assert report.deleted_on_server == 2
    assert list(box.messages) == ["id1"]


def test_a_top_that_differs_is_made_good_by_the_whole_message(archive: Archive) -> None:
    box = build_box(3, lies_in_top=True)

    report = run(archive, box, AT_ONCE)

    assert report.deleted_on_server == 3


def test_a_suspicious_run_deletes_nothing(archive: Archive) -> None:
    box = build_box(100)
    run(archive, box)
    for number in range(80):
        del box.messages[f"id{number}"]
    box.messages["new"] = build(500)

    report = run(archive, box, AT_ONCE)

    assert report.mailboxes[0].suspicion
    assert box.said(b"DELE") == 0
    assert len(box.messages) == 21


def test_an_account_under_suspicion_is_not_deleted_from_until_it_is_accepted(
    archive: Archive,
) -> None:
    box = build_box(100)
    run(archive, box)
    for number in range(80):
        del box.messages[f"id{number}"]
    run(archive, box)

    frozen = run(archive, box, AT_ONCE)
    accept(archive, suspected(archive, "me"))
    thawed = run(archive, box, AT_ONCE)

    assert [each.deleted_on_server for each in (frozen, thawed)] == [0, 20]


class ForgetfulStore(MemoryStore):
    """Stores everything, and gives one message back damaged after the commit."""

    def get(self, digest: Digest) -> bytes:
        if digest == Digest.of(build(2)):
            raise ArchiveDamaged(f"message {digest} is damaged")
        return super().get(digest)


def test_nothing_is_deleted_when_anything_cannot_be_read_back(tmp_path: Path) -> None:
    box = build_box(5)
    with Archive.create(
        tmp_path / "archive", clock=ImpatientClock(), content=lambda layout: ForgetfulStore()
    ) as archive:
        report = run(archive, box, AT_ONCE)

    assert arrived(report) == 5
    assert "cannot be read back" in refusal(report)
    assert box.said(b"DELE") == 0


def test_what_we_deleted_is_no_loss_to_the_guard(archive: Archive) -> None:
    box = build_box(200)
    run(archive, box)

    report = run(archive, box, AT_ONCE)

    assert report.deleted_on_server == 200
    assert report.mailboxes[0].suspicion is None
    assert report.exit_code == 0


def test_deleted_mail_is_told_again_by_a_rebuilt_catalog(tmp_path: Path) -> None:
    from mailvault.archive.rebuild import rebuild_catalog

    box = build_box(5)
    path = tmp_path / "archive"

    def told() -> list[object]:
        with Archive.open(path, writing=False, clock=ImpatientClock()) as archive:
            views = [*archive.catalog.placements(gone=True), *archive.catalog.placements()]
            return [(v.uid, v.uidl, v.digest, v.gone_since) for v in views]

    with Archive.create(path, clock=ImpatientClock()) as archive:
        run(archive, box)
        box.names = lambda session, names: [f"moved-{name}" for name in names]
        run(archive, box)
        del box.messages["id0"]
        run(archive, box, AT_ONCE)
    before = told()
    rebuild_catalog(path, clock=ImpatientClock())

    assert told() == before
    assert len(before) == 5


def test_mail_is_deleted_after_its_days(tmp_path: Path) -> None:
    box, clock = build_box(5), SetClock()
    deleted = []
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        for day in range(5):
            box.messages[f"late{day}"] = build(100 + day)
            deleted.append(run(archive, box, RemovalPolicy(3)).deleted_on_server)
            clock.time += timedelta(days=1)

    assert deleted == [0, 0, 0, 6, 1]
    assert list(box.messages) == ["late2", "late3", "late4"]


@pytest.mark.parametrize("jump", [-365, 3650], ids=["back a year", "forward ten years"])
def test_a_jump_of_the_clock_deletes_nothing_early(tmp_path: Path, jump: int) -> None:
    box, clock = build_box(5), SetClock()
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        run(archive, box, RemovalPolicy(3))
        clock.time += timedelta(days=jump)
        reports = [run(archive, box, RemovalPolicy(3)) for _ in range(3)]

    assert [report.deleted_on_server for report in reports] == [0, 0, 0]
    assert box.said(b"DELE") == 0
