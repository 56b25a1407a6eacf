"""A POP3 maildrop that a test bends, and syncs of it."""

from datetime import UTC, datetime

from mailvault.archive.archive import Archive
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Digest
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.removal import RemovalPolicy
from mailvault.operations.reports import AccountReport
from mailvault.operations.sync import sync
from mailvault.sources.pop3 import Pop3Source
from mailvault.transport.allowance import Allowance
from mailvault.transport.endpoint import Endpoint, Login, Timeouts, TlsMode
from mailvault.transport.pop3 import Pop3Client
from tests.servers.pop3_box import Box
from tests.unit.sources.imap_syncs import ImpatientClock
from tests.unit.transport.scripted import HOST

QUICK = Timeouts(connect=2, tls=2, greeting=2, command=2, logout=1)
AT_ONCE = RemovalPolicy(0)


class SetClock(ImpatientClock):
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 5, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


def build(number: int) -> bytes:
    return b"Subject: %d\r\nFrom: <me@example.com>\r\n\r\nbody %d\r\n" % (number, number)


def build_box(count: int, **knobs: object) -> Box:
    messages = {f"id{number}": build(number) for number in range(count)}
    return Box(messages, **knobs)  # type: ignore[arg-type]  # the knobs of a test


def run(
    archive: Archive,
    box: Box,
    removal: RemovalPolicy | None = None,
    largest: int = 1 << 30,
    allowance: Allowance | None = None,
) -> AccountReport:
    with box.serve() as server:
        endpoint = Endpoint(
            HOST, server.port, TlsMode.NONE, timeouts=QUICK, allowance=allowance
        )
        login = Login("me", lambda: "secret")

        def open_source() -> Pop3Source:
            return Pop3Source(
                lambda: Pop3Client.connect(endpoint, login, archive.tmp, max_message=largest),
                MailboxGlobs(["*"]),
                clock=ImpatientClock(),
                largest=largest,
            )

        account = SyncAccount(
            "me",
            "pop3",
            open_source,
            MailboxGlobs(["*"]),
            removal=removal,
            allowance=allowance,
        )
        report = sync(archive, [account])
    return report.accounts[0]


def held(archive: Archive) -> list[bytes]:
    """What the archive says lies in the mailbox now, in the order of arrival."""
    views = sorted(archive.catalog.placements(), key=lambda view: view.uid)
    return [octets(archive, view.digest) for view in views]


def octets(archive: Archive, digest: Digest) -> bytes:
    content = archive.content.get(digest)
    return content if isinstance(content, bytes) else b"".join(content.chunks())


def arrived(report: AccountReport) -> int:
    return sum(each.arrived for each in report.mailboxes)


def refusal(report: AccountReport) -> str:
    return report.mailboxes[0].deletion_refusal or ""
