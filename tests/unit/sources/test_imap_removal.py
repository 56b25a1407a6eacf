"""Deleting over IMAP: only where it can be done exactly, and never by a plain EXPUNGE."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.clock import SystemClock
from mailvault.demo.mailbox import ServedAccount
from mailvault.demo.session import EXTENSIONS
from mailvault.mail.globs import MailboxGlobs
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.removal import RemovalPolicy
from mailvault.operations.reports import AccountReport
from mailvault.operations.sync import sync
from mailvault.sources.imap import ImapSource
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap import ImapClient
from tests.servers.bent import Bend, BentServer, as_it_should

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ALL = MailboxGlobs(["*"])
UIDPLUS = (*EXTENSIONS, b"UIDPLUS")


@pytest.fixture
def served() -> ServedAccount:
    account = ServedAccount("me", "secret")
    inbox = account.create("INBOX")
    for number in range(20):
        octets = b"Subject: number %d\r\n\r\nbody\r\n" % number
        inbox.append(octets, flags=[], internal_date=NOON)
    return account


def run(
    folder: Path,
    served: ServedAccount,
    extensions: tuple[bytes, ...],
    bend: Bend = as_it_should,
) -> tuple[AccountReport, list[bytes]]:
    """Sync and delete at once; give the report and what the server was told."""
    with (
        Archive.create(folder / "archive", clock=SystemClock()) as archive,
        BentServer(served, bend, extensions=extensions) as server,
    ):
        endpoint = Endpoint(server.host, server.port, TlsMode.NONE)

        def open_source() -> ImapSource:
            def connect() -> ImapClient:
                return ImapClient.connect(endpoint, Login("me", lambda: "secret"), archive.tmp)

            return ImapSource(connect, ALL, clock=SystemClock())

        account = SyncAccount("me", "imap", open_source, ALL, removal=RemovalPolicy(0))
        (report,) = sync(archive, [account]).accounts
        return report, list(server.commands)


def test_without_uidplus_nothing_is_deleted_and_the_report_says_so(
    tmp_path: Path, served: ServedAccount
) -> None:
    report, commands = run(tmp_path, served, EXTENSIONS)

    assert "no UIDPLUS" in (report.mailboxes[0].deletion_refusal or "")
    assert (report.deleted_on_server, report.exit_code) == (0, 3)
    assert not any(b"STORE" in each or b"EXPUNGE" in each for each in commands)
    assert not any(each.startswith(b"SELECT") for each in commands)


def test_a_mailbox_that_was_replaced_before_the_deletion_keeps_its_mail(
    tmp_path: Path, served: ServedAccount
) -> None:
    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if b" SELECT " in command:
            return [b"".join(answer).replace(b"[UIDVALIDITY ", b"[UIDVALIDITY 9")]
        return answer

    report, commands = run(tmp_path, served, UIDPLUS, bend)

    assert "replaced" in str(report.mailboxes[0].error)
    assert report.deleted_on_server == 0
    assert not any(b"STORE" in each or b"EXPUNGE" in each for each in commands)


def test_what_is_deleted_is_named_by_uid_and_never_by_a_plain_expunge(
    tmp_path: Path, served: ServedAccount
) -> None:
    _, commands = run(tmp_path, served, UIDPLUS)  # this server then refuses to STORE

    stores = [each for each in commands if b"STORE" in each]
    assert stores
    assert all(each.startswith(b"UID STORE 1:20 ") for each in stores)
    assert not any(each.startswith(b"EXPUNGE") for each in commands)
