"""Anything may happen on a server between, and during, any number of syncs.

Hypothesis invents histories of a server: mail comes, goes, moves and changes its flags;
mailboxes are made, renamed, deleted, renumbered; connections and syncs break at any point.
After every undisturbed sync the archive holds exactly what the server holds. At any time
every earlier run is told as it was told then, all mail can be read back, and a rebuilt
catalog tells the same.
"""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mailvault.archive.archive import Archive
from mailvault.archive.rebuild import rebuild_catalog
from mailvault.demo.mailbox import ServedAccount, ServedMailbox, ServedMessage
from mailvault.demo.session import EXTENSIONS
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Digest, MailboxName, RunNumber, Uid
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.reports import Silent, SyncReport
from mailvault.operations.sync import sync
from mailvault.sources.imap import ImapSource
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.wiring import SystemClock
from tests.servers.bent import BentServer, HangUp, is_body_fetch

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ALL = MailboxGlobs(["*"])
NAMES = ["A", "B", "A/inner", "Entwürfe", "a"]
ABILITIES = [
    EXTENSIONS,
    tuple(e for e in EXTENSIONS if e != b"QRESYNC"),
    tuple(e for e in EXTENSIONS if e not in (b"CONDSTORE", b"QRESYNC")),
    (),
]

Placements: TypeAlias = list[tuple[str, int, int, Digest, frozenset[str], datetime | None]]
Mailboxes: TypeAlias = dict[str, int]


@dataclass(frozen=True)
class Told:
    """What the archive tells of one moment."""

    mailboxes: Mailboxes
    placements: Placements


class ImpatientClock(SystemClock):
    def sleep(self, seconds: float) -> None:
        pass


class Interrupted(Exception):
    """Somebody pressed Ctrl-C."""


class Interrupting(Silent):
    def __init__(self, calls: int) -> None:
        self._calls = calls

    def stored(self, messages: int, octets: int) -> None:
        self._calls -= 1
        if self._calls < 0:
            raise Interrupted


def build(number: int) -> bytes:
    """Messages of which some lack a Message-ID, share one, or are one and the same."""
    message_id = b"" if number % 4 == 0 else b"Message-ID: <%d@x>\r\n" % (number % 7)
    return (
        message_id + b"Subject: %d\r\n\r\n" % number + b"x" * (number * number % 50) + b"\r\n"
    )


EVER = {Digest.of(build(number)): build(number) for number in range(60)}


def build_date(number: int) -> datetime:
    zone = timezone(timedelta(hours=number % 3))
    return (NOON + timedelta(minutes=number)).astimezone(zone)


flag_sets = st.frozensets(
    st.sampled_from(["\\Seen", "\\Flagged", "$Label", "Work"]), max_size=3
)
numbers = st.integers(0, 30)
abilities = st.sampled_from(ABILITIES)
Change: TypeAlias = Callable[["SyncMachine"], None]


class SyncMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="mailvault-machine-")
        self.path = Path(self.folder.name) / "archive"
        self.served = ServedAccount("me", "secret")
        self.told: dict[RunNumber, Told] = {}
        self.archive: Archive | None = None

    @initialize()
    def begin(self) -> None:
        self.served.create("INBOX")
        self.archive = Archive.create(self.path, clock=ImpatientClock())

    def teardown(self) -> None:
        try:
            if self.archive is not None:
                self._everything_is_told_again()
        finally:
            if self.archive is not None:
                self.archive.close()
            self.folder.cleanup()

    # What happens on the server

    @rule(mailbox=numbers, number=numbers, count=st.integers(1, 12), flags=flag_sets)
    def mail_arrives(
        self, mailbox: int, number: int, count: int, flags: frozenset[str]
    ) -> None:
        target = self._mailbox(mailbox)
        for each in range(number, number + count):
            target.append(build(each), flags=flags, internal_date=build_date(each))

    @rule(mailbox=numbers, message=numbers, count=st.integers(1, 5))
    def mail_is_expunged(self, mailbox: int, message: int, count: int) -> None:
        target = self._mailbox(mailbox)
        for uid in self._uids(target, message, count):
            target.expunge(uid)

    @rule(mailbox=numbers)
    def a_mailbox_is_emptied(self, mailbox: int) -> None:
        target = self._mailbox(mailbox)
        for uid in list(target.messages):
            target.expunge(uid)

    @rule(mailbox=numbers, message=numbers, flags=flag_sets)
    def flags_change(self, mailbox: int, message: int, flags: frozenset[str]) -> None:
        target = self._mailbox(mailbox)
        for uid in self._uids(target, message, 1):
            target.set_flags(uid, flags)

    @rule(source=numbers, goal=numbers, message=numbers)
    def mail_is_moved(self, source: int, goal: int, message: int) -> None:
        origin = self._mailbox(source)
        for uid in self._uids(origin, message, 1):
            self.served.move(uid, origin, self._mailbox(goal))

    @rule(name=st.sampled_from(NAMES))
    def a_mailbox_is_made_or_deleted(self, name: str) -> None:
        if self.served.find(MailboxName.parse(name, "/")):
            self.served.delete(name)
        else:
            self.served.create(name)

    @rule(mailbox=numbers, name=st.sampled_from([*NAMES, "C"]))
    def a_mailbox_is_renamed(self, mailbox: int, name: str) -> None:
        renamed = self._mailbox(mailbox)
        is_free = self.served.find(MailboxName.parse(name, "/")) is None
        if is_free and str(renamed.name) != "INBOX":
            self.served.rename(str(renamed.name), name)

    @rule(mailbox=numbers)
    def a_mailbox_is_renumbered(self, mailbox: int) -> None:
        """UIDVALIDITY changes, and with it all UIDs: RFC 9051 2.3.1.1."""
        target = self._mailbox(mailbox)
        messages: list[ServedMessage] = list(target.messages.values())
        target.uidvalidity += 1000
        target.uidnext = 1
        target.messages.clear()
        target.expunged.clear()
        for each in messages:
            target.append(each.octets, flags=each.flags, internal_date=each.internal_date)

    # What we do

    @rule(extensions=abilities, connections=st.integers(1, 3))
    def sync_undisturbed(self, extensions: tuple[bytes, ...], connections: int) -> None:
        report = self._sync(extensions, connections=connections)

        assert [account.error for account in report.accounts] == [None]
        assert self._now() == self._served_now()

    @rule(extensions=abilities, after=st.integers(0, 12), times=st.integers(1, 40))
    def sync_with_lost_connections(
        self, extensions: tuple[bytes, ...], after: int, times: int
    ) -> None:
        countdown = [after, times]

        def bend(_command: bytes, answer: list[bytes]) -> list[bytes]:
            countdown[0] -= 1
            if countdown[0] < 0 < countdown[1]:
                countdown[1] -= 1
                whole = b"".join(answer)
                raise HangUp([whole[: len(whole) // 2]])
            return answer

        self._sync(extensions, bend)

    @rule(extensions=abilities, poison=numbers)
    def sync_past_a_message_that_cannot_be_read(
        self, extensions: tuple[bytes, ...], poison: int
    ) -> None:
        wanted = build(poison)

        def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
            if is_body_fetch(command) and wanted in b"".join(answer):
                raise HangUp([b"* BYE internal error\r\n"])
            return answer

        self._sync(extensions, bend)

    @rule(extensions=abilities, calls=st.integers(0, 4))
    def sync_interrupted(self, extensions: tuple[bytes, ...], calls: int) -> None:
        with suppress(Interrupted):
            self._sync(extensions, progress=Interrupting(calls))
        self._reopen()
        self._remember()

    @rule(
        extensions=abilities,
        after=st.integers(3, 10),
        mailbox=numbers,
        message=numbers,
        flags=flag_sets,
    )
    def sync_while_the_server_changes(
        self,
        extensions: tuple[bytes, ...],
        after: int,
        mailbox: int,
        message: int,
        flags: frozenset[str],
    ) -> None:
        countdown = [after]

        def bend(_command: bytes, answer: list[bytes]) -> list[bytes]:
            countdown[0] -= 1
            if countdown[0] == 0:
                with self.served.lock:
                    self.mail_is_expunged(mailbox, message, 1)
                    self.flags_change(mailbox, message + 1, flags)
                    self.mail_arrives(mailbox, message, 2, flags)
            return answer

        self._sync(extensions, bend)

    @rule()
    def the_archive_is_reopened(self) -> None:
        self._reopen()

    @precondition(lambda self: self.told)
    @rule()
    def the_catalog_is_rebuilt(self) -> None:
        self._everything_is_told_again()

    # How it is told

    def _sync(
        self,
        extensions: tuple[bytes, ...],
        bend: Callable[[bytes, list[bytes]], list[bytes]] | None = None,
        *,
        connections: int = 1,
        progress: Silent | None = None,
    ) -> SyncReport:
        archive = self._archive
        with BentServer(
            self.served, bend or (lambda _, answer: answer), extensions=extensions
        ) as server:
            endpoint = Endpoint(server.host, server.port, TlsMode.NONE)

            def connect() -> ImapClient:
                return ImapClient.connect(endpoint, Login("me", lambda: "secret"), archive.tmp)

            def open_source() -> ImapSource:
                return ImapSource(connect, ALL, clock=ImpatientClock())

            account = SyncAccount("me", "imap", open_source, ALL, connections)
            report = sync(archive, [account], progress=progress)
        self._remember()
        return report

    @property
    def _archive(self) -> Archive:
        assert self.archive is not None
        return self.archive

    def _reopen(self) -> None:
        self._archive.close()
        self.archive = Archive.open(self.path, writing=True, clock=ImpatientClock())

    def _remember(self) -> None:
        """Note what the last run left; a run that stored nothing must have left no trace."""
        run = self._archive.catalog.last_run()
        if run is not None:
            assert self.told.setdefault(run, self._now()) == self._now()

    def _now(self, at: RunNumber | None = None) -> Told:
        catalog = self._archive.catalog
        return Told(
            {str(view.name): view.messages for view in catalog.mailboxes("me", at)},
            sorted(
                (
                    (
                        str(view.mailbox),
                        view.uidvalidity,
                        int(view.uid),
                        view.digest,
                        frozenset(map(str, view.flags)),
                        view.internal_date,
                    )
                    for view in catalog.placements(account="me", at=at)
                ),
                key=lambda row: row[:3],
            ),
        )

    def _served_now(self) -> Told:
        boxes = self.served.mailboxes()
        return Told(
            {str(box.name): len(box.messages) for box in boxes},
            sorted(
                (
                    (
                        str(box.name),
                        box.uidvalidity,
                        int(message.uid),
                        Digest.of(message.octets),
                        frozenset(map(str, message.flags)),
                        message.internal_date,
                    )
                    for box in boxes
                    for message in box.messages.values()
                ),
                key=lambda row: row[:3],
            ),
        )

    def _everything_is_told_again(self) -> None:
        self._history_is_as_it_was()
        before = self._all_that_is_told()
        self._archive.close()
        (self.path / "catalog.db").unlink()
        rebuild_catalog(self.path, clock=ImpatientClock())
        self.archive = Archive.open(self.path, writing=True, clock=ImpatientClock())

        assert self._all_that_is_told() == before
        self._history_is_as_it_was()

    def _history_is_as_it_was(self) -> None:
        for run, told in self.told.items():
            assert self._now(run) == told
        for digest in self._archive.catalog.digests():
            assert self._archive.content.get(digest) == EVER[digest]
        assert list(self._archive.check()) == []

    def _all_that_is_told(self) -> list[object]:
        catalog = self._archive.catalog
        return [
            list(catalog.accounts()),
            list(catalog.runs()),
            list(catalog.mailboxes(include_gone=True)),
            list(catalog.placements()),
            list(catalog.placements(gone=True)),
            list(catalog.debts()),
            list(catalog.suspicions()),
            [catalog.message(digest) for digest in sorted(catalog.digests())],
        ]

    def _mailbox(self, number: int) -> ServedMailbox:
        boxes = self.served.mailboxes()
        return boxes[number % len(boxes)]

    def _uids(self, mailbox: ServedMailbox, number: int, count: int) -> list[Uid]:
        uids = list(mailbox.messages)
        start = number % len(uids) if uids else 0
        return uids[start : start + count]


def run_machine(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        SyncMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def test_whatever_happens_the_archive_tells_it_as_it_was() -> None:
    run_machine(examples=10, steps=20)


@pytest.mark.torture
@pytest.mark.timeout(7200)
def test_whatever_happens_in_long_histories_is_told_as_it_was() -> None:
    run_machine(examples=400, steps=40)
