"""A server that a test bends, and restores to it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mailvault.archive.archive import Archive
from mailvault.demo.mailbox import ServedAccount
from mailvault.destinations.imap import ImapDestination
from mailvault.mail.model import INBOX, Arrival, Batch, Mailbox, MailboxName, Uid
from mailvault.operations.reports import Silent
from mailvault.operations.restore import restore
from mailvault.operations.restore_report import ReadBack, RestoreOptions, RestoreReport
from mailvault.transport.endpoint import Endpoint, Login, Timeouts, TlsMode
from mailvault.transport.imap_append import ImapWriter
from tests.flags import build_flags
from tests.servers.bent import Bend, BentServer, Refuse, as_it_should
from tests.unit.archive.builders import SteppingClock

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
COUNT = 20


class PatientClock(SteppingClock):
    """Remembers how long was waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        super().sleep(seconds)


def octets_of(number: int) -> bytes:
    return b"Message-ID: <%d@x.example>\r\nSubject: number %d\r\n\r\n%s\r\n" % (
        number,
        number,
        b"body " * number,
    )


def keep(
    archive: Archive, *messages: bytes, name: MailboxName = INBOX, flags: str = ""
) -> None:
    """Archive messages, as a sync would."""
    recorder = archive.start_run()
    account = recorder.account("work", "imap")
    mailbox = recorder.describe(account, Mailbox(name))
    marked = build_flags(*flags.split())
    arrived = tuple(
        Arrival(Uid(uid), octets, marked, NOON + timedelta(minutes=uid))
        for uid, octets in enumerate(messages, 1)
    )
    recorder.add(mailbox, Batch(1, arrived=arrived, is_complete=True))
    recorder.account_finished(account, None)
    recorder.finish(0)


def bodies(account: ServedAccount, path: str = "INBOX") -> list[bytes]:
    return [message.octets for message in account.mailbox(path).messages.values()]


def is_append(command: bytes) -> bool:
    return re.match(rb"\S+ APPEND ", command) is not None


def refusing(answer: bytes, *, having: bytes) -> Refuse:
    """Refuse each APPEND that has these octets somewhere."""
    return lambda command: answer if is_append(command) and having in command else None


def appended(report: RestoreReport) -> int:
    return sum(each.appended for each in report.mailboxes)


class PutBack:
    """Restores the archive to the target, which is bent for this once."""

    def __init__(self, archive: Archive, target: ServedAccount, clock: PatientClock) -> None:
        self._archive = archive
        self._target = target
        self._options = RestoreOptions(clock=clock, connections=1, read_back=ReadBack.ALL)

    def __call__(
        self,
        bend: Bend = as_it_should,
        *,
        refuse: Refuse = lambda _: None,
        translate: Callable[[bytes], bytes] = bytes,
        withheld: Sequence[bytes] = (),
        **options: object,
    ) -> RestoreReport:
        with BentServer(
            self._target,
            bend,
            refuse=refuse,
            translate=translate,
            withheld=withheld,
            is_writable=True,
        ) as server:
            endpoint = Endpoint(
                server.host, server.port, TlsMode.NONE, timeouts=Timeouts(command=20)
            )
            login = Login("me", lambda: "secret")

            def open_target() -> ImapDestination:
                return ImapDestination(
                    lambda: ImapWriter.connect(endpoint, login, None), "imap test me"
                )

            chosen = replace(self._options, **options)  # type: ignore[arg-type]  # its fields
            return restore(self._archive, "work", open_target, chosen, Silent())
