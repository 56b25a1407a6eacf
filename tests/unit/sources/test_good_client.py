"""A server that says "not now" is obeyed, and loses us no message by it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.config.secret_marks import SecretMark
from mailvault.demo.mailbox import ServedAccount
from mailvault.errors import AccountSuspended, LoginPaused, LoginRefused
from mailvault.mail.globs import MailboxGlobs
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.preview import preview
from mailvault.operations.reports import AccountReport
from mailvault.operations.sync import sync
from mailvault.sources.imap import ImapSource
from mailvault.transport.allowance import Allowance
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.transport.login_gate import LoginGate
from tests.clocks import FakeClock
from tests.servers.bent import Bend, BentServer, HangUp, as_it_should, is_body_fetch

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MESSAGES = 60
SLOW_DOWN = b"Request is throttled. Suggested Backoff Time: %d milliseconds"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def served() -> ServedAccount:
    account = ServedAccount("me", "secret")
    for name in ("INBOX", "One", "Two", "Three"):
        mailbox = account.create(name)
        for number in range(1, MESSAGES + 1):
            octets = b"Subject: %s %d\r\n\r\n" % (name.encode(), number) + b"x" * 1000 + b"\r\n"
            mailbox.append(octets, flags=(), internal_date=NOON)
    return account


@pytest.fixture
def archive(tmp_path: Path, clock: FakeClock) -> Iterator[Archive]:
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        yield archive


class Run:
    """One sync after the other against one server that may be bent."""

    def __init__(self, served: ServedAccount, archive: Archive, clock: FakeClock) -> None:
        self._served, self._archive, self._clock = served, archive, clock
        self.connections = 0

    def __call__(
        self,
        bend: Bend = as_it_should,
        *,
        password: str = "secret",
        connections: int = 1,
        by_hand: bool = False,
        daily_limit: int | None = None,
        dry: bool = False,
    ) -> AccountReport:
        standing = self._archive.standings.of("a")
        spent = (standing.day, standing.octets) if standing.day else None
        allowance = Allowance(self._clock, daily_limit=daily_limit, spent=spent)
        bent = BentServer(self._served, bend, extensions=(b"ESEARCH",))
        with bent as server:
            endpoint = Endpoint(server.host, server.port, TlsMode.NONE, allowance=allowance)

            def connect() -> ImapClient:
                return ImapClient.connect(
                    endpoint, Login("me", lambda: password), self._archive.tmp
                )

            gate = LoginGate(connect)
            account = SyncAccount(
                "a",
                "imap",
                lambda: ImapSource(gate, MailboxGlobs(["*"]), clock=self._clock),
                MailboxGlobs(["*"]),
                connections=connections,
                allowance=allowance,
                credential=SecretMark(lambda: password, salt=lambda: "salt"),
            )
            work = partial(preview if dry else sync, self._archive, [account])
            (report,) = work(by_hand=by_hand).accounts
            self.connections = bent.connections
        return report


@pytest.fixture
def run(served: ServedAccount, archive: Archive, clock: FakeClock) -> Run:
    return Run(served, archive, clock)


def stored(archive: Archive) -> int:
    return sum(1 for _ in archive.catalog.placements(account="a"))


def once(bend: Bend, after: int = 2) -> Bend:
    """Bend one answer to a FETCH of bodies, after so many that were as they should be."""
    seen = 0

    def bent(command: bytes, answer: list[bytes]) -> list[bytes]:
        nonlocal seen
        seen += is_body_fetch(command)
        return bend(command, answer) if is_body_fetch(command) and seen == after + 1 else answer

    return bent


def saying(text: bytes) -> Bend:
    def bend(_: bytes, answer: list[bytes]) -> list[bytes]:
        return [answer[-1].split(b" ")[0] + b" NO " + text + b"\r\n"]

    return bend


def hanging_up(text: bytes) -> Bend:
    def bend(_: bytes, answer: list[bytes]) -> list[bytes]:
        raise HangUp([b"* BYE " + text + b"\r\n"])

    return bend


def always(bend: Bend) -> Bend:
    def bent(command: bytes, answer: list[bytes]) -> list[bytes]:
        return bend(command, answer) if is_body_fetch(command) else answer

    return bent


@pytest.mark.parametrize("how", [saying, hanging_up], ids=["NO", "BYE"])
def test_a_short_pause_is_waited_out_inside_the_run(
    how: Callable[[bytes], Bend], run: Run, archive: Archive, clock: FakeClock
) -> None:
    report = run(once(how(SLOW_DOWN % 30_000)))

    assert report.exit_code == 0
    assert stored(archive) == 4 * MESSAGES
    assert 30.0 in clock.slept


@pytest.mark.parametrize("how", [saying, hanging_up], ids=["NO", "BYE"])
def test_a_long_pause_suspends_the_account_with_what_it_has(
    how: Callable[[bytes], Bend], run: Run, archive: Archive, clock: FakeClock
) -> None:
    report = run(once(how(SLOW_DOWN % 600_000)))

    assert isinstance(report.error, AccountSuspended)
    assert report.exit_code == 3
    assert report.debts == 0
    assert 0 < stored(archive) < 4 * MESSAGES
    assert archive.standings.of("a").until == clock.now() + timedelta(minutes=10)

    assert run().exit_code == 3
    assert run.connections == 0

    clock.instant += timedelta(minutes=11)
    assert run().exit_code == 0
    assert stored(archive) == 4 * MESSAGES
    assert archive.standings.of("a").until is None


@pytest.mark.parametrize(
    "code", [b"[THROTTLED]", b"[OVERQUOTA]", b"[LIMIT]", b"[INUSE]", b"[UNAVAILABLE]"]
)
def test_no_debt_is_made_of_a_server_that_throttles_everything(
    code: bytes, run: Run, archive: Archive, clock: FakeClock
) -> None:
    report = run(always(saying(code + b" later")))

    assert isinstance(report.error, AccountSuspended)
    assert report.debts == 0

    clock.instant += timedelta(minutes=20)
    assert run().exit_code == 0
    assert stored(archive) == 4 * MESSAGES


def test_a_refused_login_is_tried_once_and_then_not_before_its_time(
    run: Run, archive: Archive, clock: FakeClock
) -> None:
    report = run(password="wrong", connections=4)
    assert isinstance(report.error, LoginRefused)
    assert run.connections == 1

    again = run(password="wrong", connections=4)
    assert isinstance(again.error, LoginPaused)
    assert again.exit_code == 11
    assert run.connections == 0

    assert run(by_hand=True).exit_code == 0
    assert archive.standings.of("a").refusals == 0


def test_another_password_ends_the_pause_after_a_refused_one(
    run: Run, archive: Archive
) -> None:
    run(password="wrong")
    assert "wrong" not in (archive.path / "standings.json").read_text()
    run(password="wrong too")
    assert run.connections == 1
    assert archive.standings.of("a").refusals == 2

    run(password="wrong too")
    assert run.connections == 0
    assert run(password="secret").exit_code == 0
    assert archive.standings.of("a") == replace(
        archive.standings.of("a"), refusals=0, until=None, secret=None
    )


def test_another_password_ends_no_pause_that_the_server_asked_for(
    run: Run, archive: Archive
) -> None:
    run(once(saying(SLOW_DOWN % 600_000)))

    assert run(password="another").exit_code == 3
    assert run.connections == 0


def test_a_preview_asks_no_server_that_wants_to_be_left_alone(run: Run) -> None:
    run(password="wrong")

    report = run(password="wrong", dry=True)

    assert isinstance(report.error, LoginPaused)
    assert run.connections == 0
    assert run(password="secret", dry=True).exit_code == 0
    assert run(password="wrong", dry=True, by_hand=True).exit_code == 11
    assert run.connections == 1


def test_a_preview_does_not_overrun_the_day(run: Run, clock: FakeClock) -> None:
    run(daily_limit=100_000)
    clock.instant += timedelta(seconds=1)

    report = run(daily_limit=100_000, dry=True)

    assert report.exit_code == 3
    assert run.connections == 0


def going_away(command: bytes, answer: list[bytes]) -> list[bytes]:
    raise HangUp


@pytest.mark.parametrize("refusal", [saying(b"[LIMIT] Too many connections"), going_away])
def test_connections_beyond_the_servers_limit_are_done_without(
    run: Run, archive: Archive, refusal: Bend
) -> None:
    logins = 0

    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        nonlocal logins
        if b"LOGIN" in command or b"AUTHENTICATE" in command:
            logins += 1
            if logins > 1:
                return refusal(command, answer)
        return answer

    report = run(bend, connections=4)

    assert report.exit_code == 0
    assert stored(archive) == 4 * MESSAGES


def test_a_daily_limit_stops_cleanly_and_the_next_day_goes_on(
    run: Run, archive: Archive, clock: FakeClock
) -> None:
    days = 0
    while (report := run(daily_limit=100_000)).exit_code == 3 and days < 10:
        assert report.debts == 0
        assert run.connections == 1
        before = stored(archive)
        assert run(daily_limit=100_000).exit_code == 3
        assert (run.connections, stored(archive)) == (0, before)
        clock.instant += timedelta(days=1)
        days += 1

    assert report.exit_code == 0
    assert 1 <= days <= 3
    assert stored(archive) == 4 * MESSAGES
