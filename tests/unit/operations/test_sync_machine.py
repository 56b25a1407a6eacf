"""Anything may happen on a server between, and during, any number of syncs.

Hypothesis invents histories of a server: mail comes, goes, moves and changes its flags;
mailboxes are made, renamed, deleted, renumbered; connections and syncs break at any point.
After every undisturbed sync the archive holds exactly what the server holds. At any time
every earlier run is told as it was told then, all mail can be read back, and a rebuilt
catalog tells the same.
"""

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from mailvault.archive.archive import Archive
from mailvault.archive.rebuild import rebuild_catalog
from mailvault.demo.mailbox import ServedAccount, ServedMailbox, ServedMessage
from mailvault.demo.session import EXTENSIONS
from mailvault.errors import SourceError
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Digest, MailboxName, RunNumber, Uid
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.reports import Silent, SyncReport
from mailvault.operations.sync import sync
from mailvault.sources.imap import ImapSource
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.wiring import SystemClock
from tests.servers.bent import Bend, BentServer, HangUp, as_it_should, is_body_fetch

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ALL = MailboxGlobs(["*"])
NAMES = ["A", "B", "A/inner", "Entwürfe", "a", "C"]
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


@dataclass(frozen=True)
class Change:
    """Something that happens on the server; what it means there is up to `kind`."""

    kind: str
    mailbox: int = 0
    other: int = 0
    message: int = 0
    count: int = 1
    flags: frozenset[str] = frozenset()


KINDS = [
    "arrive",
    "arrive",
    "expunge",
    "empty",
    "flag",
    "flag",
    "move",
    "make or delete",
    "rename",
    "renumber",
    "renumber",
]

# Few strategies of many parts: Hypothesis leaves whole rules out of an example, and a
# history without flag changes or without syncs would prove little.
flag_sets = st.frozensets(
    st.sampled_from(["\\Seen", "\\Flagged", "$Label", "Work"]), max_size=3
)
numbers = st.integers(0, 30)
changes = st.builds(
    Change,
    kind=st.sampled_from(KINDS),
    mailbox=numbers,
    other=numbers,
    message=numbers,
    count=st.integers(1, 8),
    flags=flag_sets,
)
disturbances = st.sampled_from(["lost", "poison", "interrupt", "change"])
abilities = st.sampled_from(ABILITIES)


class SyncMachine(RuleBasedStateMachine):
    store = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="mailvault-machine-")
        self.path = Path(self.folder.name) / "archive"
        self.served = ServedAccount("me", "secret")
        self.told: dict[RunNumber, Told] = {}
        self.archive: Archive | None = None

    @initialize()
    def begin(self) -> None:
        for path in ("INBOX", "A"):
            mailbox = self.served.create(path)
            for number in range(5):
                mailbox.append(build(number), flags=[], internal_date=build_date(number))
        self.archive = Archive.create(self.path, store=self.store, clock=ImpatientClock())

    def teardown(self) -> None:
        try:
            if self.archive is not None:
                self._everything_is_told_again()
        finally:
            if self.archive is not None:
                self.archive.close()
            self.folder.cleanup()

    @rule(happening=st.lists(changes, min_size=1, max_size=5))
    def the_server_changes(self, happening: list[Change]) -> None:
        for change in happening:
            self._happen(change)

    @rule(extensions=abilities, connections=st.integers(1, 3))
    def sync_undisturbed(self, extensions: tuple[bytes, ...], connections: int) -> None:
        report = self._sync(extensions, connections=connections)

        assert [account.error for account in report.accounts] == [None]
        assert self._now() == self._served_now()

    @rule(
        extensions=abilities,
        disturbance=disturbances,
        after=st.integers(0, 12),
        times=st.integers(1, 40),
        change=changes,
    )
    def sync_disturbed(
        self,
        extensions: tuple[bytes, ...],
        disturbance: str,
        after: int,
        times: int,
        change: Change,
    ) -> None:
        match disturbance:
            case "lost":
                self._sync(extensions, losing_connections(after, times))
            case "poison":
                self._sync(extensions, poisoned_by(build(change.message)))
            case "interrupt":
                with suppress(Interrupted):
                    self._sync(extensions, progress=Interrupting(after // 3))
                self._reopen()
                self._remember()
            case "change":
                self._sync(extensions, self._changing(after, change))

    @rule(is_rebuilt=st.booleans())
    def the_archive_is_reopened(self, is_rebuilt: bool) -> None:
        if is_rebuilt and self.told:
            self._everything_is_told_again()
        else:
            self._reopen()

    # What happens on the server

    def _happen(self, change: Change) -> None:
        mailbox = self._mailbox(change.mailbox)
        uids = self._uids(mailbox, change.message, change.count)
        match change.kind:
            case "arrive":
                for number in range(change.message, change.message + change.count):
                    date = build_date(number)
                    mailbox.append(build(number), flags=change.flags, internal_date=date)
            case "expunge":
                for uid in uids:
                    mailbox.expunge(uid)
            case "empty":
                for uid in list(mailbox.messages):
                    mailbox.expunge(uid)
            case "flag":
                for uid in uids:
                    mailbox.set_flags(uid, change.flags)
            case "move":
                for uid in uids:
                    self.served.move(uid, mailbox, self._mailbox(change.other))
            case "make or delete":
                self._make_or_delete(NAMES[change.other % len(NAMES)])
            case "rename":
                self._rename(mailbox, NAMES[change.other % len(NAMES)])
            case "renumber":
                renumber(mailbox)

    def _make_or_delete(self, name: str) -> None:
        if self.served.find(MailboxName.parse(name, "/")):
            self.served.delete(name)
        else:
            self.served.create(name)

    def _rename(self, mailbox: ServedMailbox, name: str) -> None:
        is_free = self.served.find(MailboxName.parse(name, "/")) is None
        if is_free and str(mailbox.name) != "INBOX":
            self.served.rename(str(mailbox.name), name)

    def _changing(self, after: int, change: Change) -> Bend:
        commands = count(1)

        def bend(_command: bytes, answer: list[bytes]) -> list[bytes]:
            if next(commands) == after:
                with self.served.lock:
                    self._happen(change)
            return answer

        return bend

    # How it is told

    def _sync(
        self,
        extensions: tuple[bytes, ...],
        bend: Bend = as_it_should,
        *,
        connections: int = 1,
        progress: Silent | None = None,
    ) -> SyncReport:
        archive = self._archive
        with BentServer(self.served, bend, extensions=extensions) as server:
            endpoint = Endpoint(server.host, server.port, TlsMode.NONE)

            def connect() -> ImapClient:
                return ImapClient.connect(endpoint, Login("me", lambda: "secret"), archive.tmp)

            def open_source() -> ImapSource:
                return ImapSource(connect, ALL, clock=ImpatientClock())

            account = SyncAccount("me", "imap", open_source, ALL, connections)
            report = sync(archive, [account], progress=progress)
        for told in report.accounts:
            errors = [told.error, *(mailbox.error for mailbox in told.mailboxes)]
            assert all(error is None or isinstance(error, SourceError) for error in errors)
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

    def _uids(self, mailbox: ServedMailbox, number: int, some: int) -> list[Uid]:
        uids = list(mailbox.messages)
        start = number % len(uids) if uids else 0
        return uids[start : start + some]


def renumber(mailbox: ServedMailbox) -> None:
    """UIDVALIDITY changes, and with it all UIDs: RFC 9051 2.3.1.1."""
    messages: list[ServedMessage] = list(mailbox.messages.values())
    mailbox.uidvalidity += 1000
    mailbox.uidnext = 1
    mailbox.messages.clear()
    mailbox.expunged.clear()
    for each in messages:
        mailbox.append(each.octets, flags=each.flags, internal_date=each.internal_date)


def losing_connections(after: int, times: int) -> Bend:
    """Cut so many answers in the middle, from a certain command on."""
    commands = count()

    def bend(_command: bytes, answer: list[bytes]) -> list[bytes]:
        if after <= next(commands) < after + times:
            whole = b"".join(answer)
            raise HangUp([whole[: len(whole) // 2]])
        return answer

    return bend


def poisoned_by(octets: bytes) -> Bend:
    """End the connection whenever a certain message would be sent."""

    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if is_body_fetch(command) and octets in b"".join(answer):
            raise HangUp([b"* BYE internal error\r\n"])
        return answer

    return bend


class MaildirMachine(SyncMachine):
    """The Maildirs are level with all of it at any time: `check` compares them."""

    store = "maildir"


def run_machine(machine: type[SyncMachine], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def test_whatever_happens_the_archive_tells_it_as_it_was() -> None:
    run_machine(SyncMachine, examples=6, steps=20)


def test_whatever_happens_maildirs_show_it_as_it_is() -> None:
    run_machine(MaildirMachine, examples=3, steps=20)


@pytest.mark.torture
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("machine", [SyncMachine, MaildirMachine])
def test_whatever_happens_in_long_histories_is_told_as_it_was(
    machine: type[SyncMachine],
) -> None:
    run_machine(machine, examples=200, steps=40)
