"""Servers that an archive is compared with."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import TypeVar

from mailvault.archive.archive import Archive
from mailvault.demo.mailbox import ServedAccount, ServedMailbox
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Uid
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.remote_mailbox import Depth
from mailvault.operations.remote_report import RemoteAccount
from mailvault.operations.reports import Silent
from mailvault.operations.sync import sync
from mailvault.operations.verify_remote import RemoteOptions, verify_remote
from mailvault.ports import Source
from mailvault.sources.imap import ImapSource
from mailvault.sources.pop3 import Pop3Source
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.transport.pop3 import Pop3Client
from mailvault.wiring import SystemClock
from tests.servers.bent import Bend, BentServer, as_it_should
from tests.servers.pop3_box import Box
from tests.unit.archive.builders import INTERNAL_DATE, build_message

ALL = MailboxGlobs(["*"])
Done = TypeVar("Done")


class ImpatientClock(SystemClock):
    def sleep(self, seconds: float) -> None:
        pass


class Server:
    """A server, its account in the archive, and the two commands that matter."""

    def __init__(self, archive: Archive, globs: MailboxGlobs = ALL) -> None:
        self.archive = archive
        self.globs = globs

    def sync(self) -> None:
        self.do(lambda account: sync(self.archive, [account]))

    def verify(self, percent: float = 0) -> RemoteAccount:
        depth = RemoteOptions(Depth(percent, Random(7)))
        report = self.do(
            lambda account: verify_remote(self.archive, [account], depth, Silent())
        )
        (account,) = report.accounts
        return account

    def do(self, action: Callable[[SyncAccount], Done]) -> Done:
        raise NotImplementedError


class Imap(Server):
    """INBOX with twenty messages, and an archive; ``bend`` is how its answers go wrong."""

    def __init__(self, archive: Archive, globs: MailboxGlobs = ALL) -> None:
        super().__init__(archive, globs)
        self.account = ServedAccount("me", "secret")
        self.inbox = self.account.create("INBOX")
        self.commands: list[bytes] = []
        self.bend: Bend = as_it_should
        self.password = "secret"
        for number in range(20):
            fill(self.inbox, build_message(number))

    def do(self, action: Callable[[SyncAccount], Done]) -> Done:
        with BentServer(self.account, self.bend) as server:
            endpoint = Endpoint(server.host, server.port, TlsMode.NONE)

            def connect() -> ImapClient:
                return ImapClient.connect(endpoint, Login("me", lambda: self.password), None)

            def open_source() -> Source:
                return ImapSource(connect, self.globs, clock=ImpatientClock())

            done = action(SyncAccount("a", "imap", open_source, self.globs))
            self.commands = list(server.commands)
        return done

    def exchange(self, uid: int, octets: bytes) -> None:
        messages = self.inbox.messages
        messages[Uid(uid)] = replace(messages[Uid(uid)], octets=octets)


class Pop3(Server):
    """Twenty messages behind POP3, and an archive."""

    def __init__(self, archive: Archive, **knobs: object) -> None:
        super().__init__(archive)
        messages = {f"id{number}": build_message(number) for number in range(20)}
        self.box = Box(messages, **knobs)  # type: ignore[arg-type]  # the knobs of a test

    def do(self, action: Callable[[SyncAccount], Done]) -> Done:
        with self.box.serve() as server:
            endpoint = Endpoint("127.0.0.1", server.port, TlsMode.NONE)

            def connect() -> Pop3Client:
                return Pop3Client.connect(endpoint, Login("me", lambda: "secret"), None)

            def open_source() -> Source:
                return Pop3Source(connect, self.globs, clock=ImpatientClock())

            return action(SyncAccount("a", "pop3", open_source, self.globs))


def fill(mailbox: ServedMailbox, octets: bytes) -> None:
    mailbox.append(octets, flags=["\\Seen"], internal_date=INTERNAL_DATE)


def found(account: RemoteAccount) -> list[tuple[str, str | None]]:
    return [(finding.kind, finding.remote_id) for finding in account.findings]
