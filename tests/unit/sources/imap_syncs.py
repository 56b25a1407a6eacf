"""An account on a server that a test bends, and an archive that it is synced into."""

from collections.abc import Sequence
from datetime import UTC, datetime

from mailvault.archive.archive import Archive
from mailvault.demo.mailbox import ServedAccount, ServedMailbox
from mailvault.demo.session import EXTENSIONS
from mailvault.mail.globs import MailboxGlobs
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.reports import AccountReport
from mailvault.operations.sync import sync
from mailvault.sources.imap import ImapSource
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.wiring import SystemClock
from tests.servers.bent import (
    Bend,
    BentServer,
    as_it_should,
)

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
BARE = tuple(e for e in EXTENSIONS if e not in (b"CONDSTORE", b"QRESYNC"))
CONDSTORE_ONLY = tuple(e for e in EXTENSIONS if e != b"QRESYNC")


class ImpatientClock(SystemClock):
    """Real time, but nobody waits before connecting again."""

    def sleep(self, seconds: float) -> None:
        pass


def octets_of(number: int) -> bytes:
    return b"Message-ID: <%d@x.example>\r\nSubject: number %d\r\n\r\nbody %d\r\n" % (
        (number,) * 3
    )


class SyncOnce:
    """Syncs the account once, and remembers what was said to the server."""

    def __init__(self, served: ServedAccount, archive: Archive) -> None:
        self._served = served
        self._archive = archive
        self.connections = 0
        self.commands: list[bytes] = []

    def __call__(
        self,
        bend: Bend = as_it_should,
        *,
        accept_empty: bool = False,
        extensions: Sequence[bytes] = EXTENSIONS,
    ) -> AccountReport:
        with BentServer(self._served, bend, extensions=extensions) as server:
            endpoint = Endpoint(server.host, server.port, TlsMode.NONE)
            login = Login("me", lambda: "secret")

            def open_source() -> ImapSource:
                def connect() -> ImapClient:
                    return ImapClient.connect(endpoint, login, self._archive.tmp)

                return ImapSource(connect, MailboxGlobs(["*"]), clock=ImpatientClock())

            account = SyncAccount("a", "imap", open_source, MailboxGlobs(["*"]))
            (report,) = sync(self._archive, [account], accept_empty=accept_empty).accounts
            self.connections = server.connections
            self.commands = list(server.commands)
            return report


def archived(archive: Archive) -> dict[int, frozenset[str]]:
    """UID and flags of what is present in INBOX, after reading its octets back."""
    present = {}
    for view in archive.catalog.placements(account="a"):
        octets = archive.content.get(view.digest)
        assert isinstance(octets, bytes)
        assert len(octets) == view.size
        present[int(view.uid)] = frozenset(map(str, view.flags))
    return present


def served_now(inbox: ServedMailbox) -> dict[int, frozenset[str]]:
    return {int(uid): frozenset(map(str, m.flags)) for uid, m in inbox.messages.items()}
