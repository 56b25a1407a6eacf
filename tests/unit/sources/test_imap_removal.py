"""Deleting over IMAP: only where it can be done exactly, and never by a plain EXPUNGE."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.clock import SystemClock
from mailvault.demo.mailbox import ServedAccount
from mailvault.demo.session import EXTENSIONS
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Uid
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
        octets = b"Message-ID: <%d@x>\r\nSubject: %d\r\n\r\nbody\r\n" % (number, number)
        inbox.append(octets, flags=[], internal_date=NOON)
    return account


def run(
    folder: Path,
    served: ServedAccount,
    extensions: tuple[bytes, ...],
    bend: Bend = as_it_should,
) -> tuple[AccountReport, list[bytes]]:
    """Sync and delete at once; give the report and what the server was told."""
    with Archive.create(folder / "archive", clock=SystemClock()) as archive:
        return sync_with(archive, served, RemovalPolicy(0), extensions=extensions, bend=bend)


def sync_with(
    archive: Archive,
    served: ServedAccount,
    removal: RemovalPolicy | None,
    *,
    extensions: tuple[bytes, ...] = UIDPLUS,
    bend: Bend = as_it_should,
) -> tuple[AccountReport, list[bytes]]:
    with BentServer(served, bend, extensions=extensions) as server:
        endpoint = Endpoint(server.host, server.port, TlsMode.NONE)

        def open_source() -> ImapSource:
            def connect() -> ImapClient:
                return ImapClient.connect(endpoint, Login("me", lambda: "secret"), archive.tmp)

            return ImapSource(connect, ALL, clock=SystemClock())

        account = SyncAccount("me", "imap", open_source, ALL, removal=removal)
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


@pytest.mark.parametrize("message_id", [b"<4@x>", b"<other@x>"], ids=["same", "another"])
def test_another_message_under_a_known_uid_is_not_deleted(
    tmp_path: Path, served: ServedAccount, message_id: bytes
) -> None:
    inbox = served.mailbox("INBOX")
    with Archive.create(tmp_path / "archive", clock=SystemClock()) as archive:
        sync_with(archive, served, None)
        other = b"Message-ID: %s\r\n\r\nnobody has archived this\r\n" % message_id
        inbox.messages[Uid(5)] = replace(inbox.messages[Uid(5)], octets=other)

        _, commands = sync_with(archive, served, RemovalPolicy(0))

    stores = [each for each in commands if b"STORE" in each]
    assert stores
    assert all(each.startswith(b"UID STORE 1:4,6:20 ") for each in stores)
