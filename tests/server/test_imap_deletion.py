"""IMAP mail is deleted after its days, by UID, and nothing else with it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.errors import ConnectionLost
from mailvault.mail.globs import MailboxGlobs
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.removal import RemovalPolicy
from mailvault.operations.reports import AccountReport
from mailvault.operations.sync import sync
from mailvault.sources.imap import ImapSource
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.wiring import SystemClock
from tests.corpus.ordinary import small
from tests.server.accounts import append_all
from tests.servers.fault_proxy import Fault, FaultProxy, Kind
from tests.servers.process import HOST
from tests.servers.users import MailUser

pytestmark = pytest.mark.server

DAYS = 2
ALL = MailboxGlobs(["*"])


class SetClock(SystemClock):
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 5, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def run(
    archive: Archive, user: MailUser, clock: SetClock, port: int | None = None
) -> AccountReport:
    endpoint = Endpoint(HOST, port or user.port, TlsMode.NONE)

    def open_source() -> ImapSource:
        login = Login(user.name, lambda: user.password)
        return ImapSource(
            lambda: ImapClient.connect(endpoint, login, archive.tmp), ALL, clock=clock
        )

    account = SyncAccount("me", "imap", open_source, ALL, removal=RemovalPolicy(DAYS))
    return sync(archive, [account]).accounts[0]


def test_mail_goes_after_its_days_and_what_others_marked_stays(
    tmp_path: Path, mail_user: MailUser, clock: SetClock
) -> None:
    with mail_user.session() as session:
        append_all(session, "INBOX", small(3, 20))
        session.create("Work")
        append_all(session, "Work", small(4, 5))
    deleted = []
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        for _ in range(DAYS):
            deleted.append(run(archive, mail_user, clock).deleted_on_server)
            clock.time += timedelta(days=1)
        with mail_user.session() as session:
            session.append("INBOX", b"Subject: new\r\n\r\nnew\r\n", ["\\Deleted"], None)

        report = run(archive, mail_user, clock)

        assert [*deleted, report.deleted_on_server] == [0, 0, 25]
        assert report.exit_code == 0
        (left,) = archive.catalog.placements()
        assert left.subject == "new"
        gone = list(archive.catalog.placements(gone=True))
        assert sum(archive.content.prove(each.digest) > 0 for each in gone) == 25
    with mail_user.session() as session:
        session.select("INBOX")
        _, tagged = session.command(b"UID SEARCH ALL")
        assert b"OK" in tagged


@pytest.fixture
def due(
    tmp_path: Path, mail_user: MailUser, clock: SetClock
) -> Iterator[tuple[Archive, MailUser]]:
    """An archive with some messages that the next sync is going to delete on the server."""
    with mail_user.session() as session:
        append_all(session, "INBOX", small(3, 60))
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        for _ in range(DAYS):
            run(archive, mail_user, clock)
            clock.time += timedelta(days=1)
        yield archive, mail_user


def cut_at_the_expunge(others: Fault) -> Callable[[int], Fault]:
    """The answer to UID EXPUNGE never comes, and later connections have ``others``."""
    return lambda n: Fault(Kind.RESET, after=b"UID EXPUNGE") if n == 0 else others


def test_an_expunge_without_an_answer_is_settled_in_another_session(
    due: tuple[Archive, MailUser], clock: SetClock
) -> None:
    archive, user = due

    with FaultProxy(user.port, cut_at_the_expunge(Fault())) as proxy:
        report = run(archive, user, clock, proxy.port)

    assert proxy.traffic.connections == 2
    assert (report.deleted_on_server, report.exit_code) == (60, 0)
    assert not list(archive.catalog.placements())


def test_an_expunge_that_nobody_could_settle_is_no_loss_to_the_next_sync(
    due: tuple[Archive, MailUser], clock: SetClock
) -> None:
    archive, user = due
    with FaultProxy(user.port, cut_at_the_expunge(Fault(Kind.CLOSE))) as proxy:
        report = run(archive, user, clock, proxy.port)
    assert isinstance(report.mailboxes[0].error, ConnectionLost)
    assert report.deleted_on_server == 0

    again = run(archive, user, clock)

    assert (again.deleted_on_server, again.exit_code) == (60, 0)
    assert again.suspicion is None
    assert again.mailboxes[0].suspicion is None
    assert not archive.catalog.suspicions()
    assert not list(archive.catalog.placements())


def test_what_others_expunge_meanwhile_is_still_suspicious(
    due: tuple[Archive, MailUser], clock: SetClock
) -> None:
    archive, user = due
    with FaultProxy(user.port, cut_at_the_expunge(Fault(Kind.CLOSE))) as proxy:
        run(archive, user, clock, proxy.port)
    with user.session() as session:
        append_all(session, "INBOX", small(4, 60))
    run(archive, user, clock)
    with user.session() as session:
        session.select("INBOX")
        session.command(b"UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        session.command(b"EXPUNGE")

    report = run(archive, user, clock)

    assert report.mailboxes[0].suspicion == "the mailbox had 60 messages and now lists none"


@pytest.mark.parametrize("jump", [-365, 3650], ids=["back a year", "forward ten years"])
def test_a_clock_that_jumps_deletes_nothing_early(
    tmp_path: Path, mail_user: MailUser, clock: SetClock, jump: int
) -> None:
    with mail_user.session() as session:
        append_all(session, "INBOX", small(3, 5))
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        run(archive, mail_user, clock)
        clock.time += timedelta(days=jump)

        reports = [run(archive, mail_user, clock) for _ in range(3)]

    assert [report.deleted_on_server for report in reports] == [0, 0, 0]
