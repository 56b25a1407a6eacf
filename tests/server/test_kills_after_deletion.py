"""Killed after the server deleted what we asked it to: the next syncs take it for no loss."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.mail.globs import MailboxGlobs
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.sync import sync
from mailvault.sources.imap import ImapSource
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.wiring import SystemClock
from tests.corpus.ordinary import small
from tests.server.accounts import append_all
from tests.server.test_pop3 import AT_ONCE, pop3_settings
from tests.server.vault import Vault, new_vault
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import Fault, FaultProxy, Kind
from tests.servers.process import HOST
from tests.servers.users import MailUser, new_user

pytestmark = pytest.mark.server

MESSAGES = 60
PATIENCE = 120.0  # seconds, for what is polled
DAYS = "delete_after_days = 2\n"
ALL = MailboxGlobs(["*"])
UNANSWERED = {
    "imap": Fault(Kind.STALL, after=b"UID EXPUNGE"),
    "pop3": Fault(Kind.STALL, after=b"DELE %d\r\nQUIT" % MESSAGES),
}


class Deleting:
    """A vault whose next sync deletes everything on the server, over a wire that may stall."""

    def __init__(self, vault: Vault, user: MailUser, protocol: str) -> None:
        self.vault = vault
        self.user = user
        self._protocol = protocol
        self.configure()

    def configure(self, port: int = 0) -> None:
        settings = {
            "imap": f"{DAYS}port = {port or self.user.port}\n",
            "pop3": pop3_settings(self.user, AT_ONCE, port or None),
        }
        self.vault.configure(self.user, settings=settings[self._protocol])

    def left(self) -> int:
        """How many messages the server still has."""
        with self.user.session() as session:
            told = b"".join(piece for reply in session.select("INBOX") for piece in reply)
        found = re.search(rb"\* (\d+) EXISTS", told)
        assert found is not None
        return int(found[1])

    def kill_where_the_answer_is_due(self) -> None:
        """Kill a sync that had the server delete everything, and never heard that it did."""
        port = self.user.server.ports[self._protocol]
        with (
            FaultProxy(port, lambda _: UNANSWERED[self._protocol]) as proxy,
            self._started(proxy.port),
        ):
            wait_until(lambda: not proxy.wait_for(lambda _: False) and self.left() == 0)
        self.configure()

    def kill_before_the_end(self) -> None:
        """Kill a sync that is done with this account, while it waits for another one."""
        with FaultProxy(self.user.port, lambda _: Fault(Kind.STALL)) as silent:
            self.configure()
            other = f'\n[accounts.other]\nprotocol = "imap"\nhost = "{HOST}"\n'
            other += f'port = {silent.port}\ntls = "none"\nuser = "x"\npassword = "x"\n'
            path = self.vault.configuration
            path.write_text(path.read_text(encoding="utf-8") + other, encoding="utf-8")
            with self._started(None):
                wait_until(lambda: silent.wait_for(lambda traffic: traffic.connections > 0))
        self.configure()

    @contextmanager
    def _started(self, port: int | None) -> Iterator[None]:
        if port is not None:
            self.configure(port)
        with self.vault.start("sync") as process:
            try:
                yield
                assert process.poll() is None, process.communicate()
            finally:
                process.kill()
                process.communicate()

    def assert_nothing_is_suspicious(self) -> None:
        self.vault.sync()
        assert self.left() == 0
        assert not self.vault.placements()
        assert len(self.vault.placements("--gone")) == MESSAGES
        assert self.vault.run("verify", "--json").document()["findings"] == []
        with Archive.open(self.vault.archive, writing=False, clock=SystemClock()) as archive:
            assert not archive.catalog.suspicions()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it never came to that"


class ClockOfThen(SystemClock):
    """This machine's clock, some days ago."""

    def __init__(self, days: int) -> None:
        self._ago = timedelta(days=days)

    def now(self) -> datetime:
        return datetime.now(UTC) - self._ago


def archived_days_ago(vault: Vault, user: MailUser) -> None:
    """As if the mail had been archived four and three days ago."""
    endpoint = Endpoint(HOST, user.port, TlsMode.NONE)
    for days in (4, 3):
        clock = ClockOfThen(days)
        with Archive.open(vault.archive, writing=True, clock=clock) as archive:
            connect = partial(
                ImapClient.connect,
                endpoint,
                Login(user.name, lambda: user.password),
                archive.tmp,
            )
            source = partial(ImapSource, connect, ALL, clock=clock)
            sync(archive, [SyncAccount("work", "imap", source, ALL)])


@pytest.fixture
def over_imap(tmp_path: Path, plain_dovecot: Dovecot) -> Deleting:
    user = new_user(plain_dovecot)  # it does not compress, so commands can be read
    with user.session() as session:
        append_all(session, "INBOX", small(3, MESSAGES))
    vault = new_vault(tmp_path / "vault", user)
    archived_days_ago(vault, user)
    return Deleting(vault, user, "imap")


@pytest.fixture
def over_pop3(tmp_path: Path, plain_dovecot: Dovecot) -> Deleting:
    user = new_user(plain_dovecot)
    with user.session() as session:
        append_all(session, "INBOX", small(3, MESSAGES))
    vault = new_vault(tmp_path / "vault", user)
    vault.configure(user, settings=pop3_settings(user))
    vault.sync()
    return Deleting(vault, user, "pop3")


@pytest.fixture(params=["over_imap", "over_pop3"])
def deleting(request: pytest.FixtureRequest) -> Deleting:
    found: Deleting = request.getfixturevalue(request.param)
    return found


def test_a_kill_before_the_answer_is_no_loss_to_the_next_sync(deleting: Deleting) -> None:
    deleting.kill_where_the_answer_is_due()

    deleting.assert_nothing_is_suspicious()


def test_a_kill_before_the_end_of_the_run_is_no_loss_to_the_next_sync(
    deleting: Deleting,
) -> None:
    deleting.kill_before_the_end()

    deleting.assert_nothing_is_suspicious()


def test_a_kill_of_the_sync_that_settles_it_is_no_loss_either(deleting: Deleting) -> None:
    deleting.kill_where_the_answer_is_due()
    deleting.kill_before_the_end()

    deleting.assert_nothing_is_suspicious()
