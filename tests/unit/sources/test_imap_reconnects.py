"""A connection that breaks in one mailbox is made again for the next."""

from datetime import UTC, datetime
from pathlib import Path

from mailvault.archive.archive import Archive
from mailvault.demo.mailbox import ServedAccount
from mailvault.errors import ConnectionLost
from mailvault.mail.globs import MailboxGlobs
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.sync import sync
from mailvault.sources.imap import ImapSource
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.wiring import SystemClock
from tests.servers.bent import BentServer, HangUp

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ALL = MailboxGlobs(["*"])


def test_a_connection_lost_in_one_mailbox_costs_no_other(tmp_path: Path) -> None:
    served = ServedAccount("me", "secret")
    for path in ("A", "B", "C"):
        served.create(path).append(b"Subject: x\r\n\r\n", flags=[], internal_date=NOON)
    searches = []

    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if b"SEARCH" in command:
            searches.append(command)
            if len(searches) == 1:
                raise HangUp
        return answer

    with (
        Archive.create(tmp_path / "archive", clock=SystemClock()) as archive,
        BentServer(served, bend) as server,
    ):
        endpoint = Endpoint(server.host, server.port, TlsMode.NONE)

        def connect() -> ImapClient:
            return ImapClient.connect(endpoint, Login("me", lambda: "secret"), archive.tmp)

        def open_source() -> ImapSource:
            return ImapSource(connect, ALL, clock=SystemClock())

        report = sync(archive, [SyncAccount("me", "imap", open_source, ALL)])
        archived = [str(view.mailbox) for view in archive.catalog.placements()]

    errors = [mailbox.error for mailbox in report.accounts[0].mailboxes if mailbox.error]
    assert [type(error) for error in errors] == [ConnectionLost]
    assert len(archived) == 2
