"""Every odd thing POP3 servers do, over a socket and into a real archive."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.archive.content.memory import MemoryStore
from mailvault.errors import AccountSuspended, ArchiveDamaged, LoginRefused
from mailvault.mail.globs import MailboxGlobs
from mailvault.mail.model import Digest
from mailvault.operations.accept import accept, suspected
from mailvault.operations.account_sync import SyncAccount
from mailvault.operations.removal import RemovalPolicy
from mailvault.operations.reports import AccountReport
from mailvault.operations.sync import sync
from mailvault.sources.pop3 import Pop3Source
from mailvault.transport.allowance import Allowance
from mailvault.transport.endpoint import Endpoint, Login, Timeouts, TlsMode
from mailvault.transport.pop3 import Pop3Client
from mailvault.wiring import SystemClock
from tests.servers.pop3_box import Box
from tests.unit.transport.scripted import HOST

QUICK = Timeouts(connect=2, tls=2, greeting=2, command=2, logout=1)
AT_ONCE = RemovalPolicy(0)


class ImpatientClock(SystemClock):
    def sleep(self, seconds: float) -> None:
        pass


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


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.create(tmp_path / "archive", clock=ImpatientClock()) as archive:
        yield archive


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


# Telling messages apart


def test_only_new_mail_is_fetched(archive: Archive) -> None:
    box = build_box(5)
    run(archive, box)
    box.messages["new"] = build(99)

    report = run(archive, box)

    assert arrived(report) == 1
    assert box.said(b"RETR") == 6
    assert held(archive) == list(box.messages.values())


def test_numbers_are_not_trusted_from_one_session_to_the_next(archive: Archive) -> None:
    box = build_box(5)
    run(archive, box)
    del box.messages["id0"]
    box.messages["id9"] = build(9)

    report = run(archive, box)

    assert (arrived(report), report.mailboxes[0].expunged) == (1, 1)
    assert held(archive) == list(box.messages.values())


UNSOUND = {
    "none": (lambda s, names: None, "no unique-ids"),
    "duplicate": (lambda s, names: ["same"] * len(names), "same unique-id"),
    "over-long": (lambda s, names: [name * 40 for name in names], "more than 70 characters"),
    "incomplete": (lambda s, names: [None, *names[1:]], "not give every message"),
    "empty": (lambda s, names: ["", *names[1:]], "not give every message"),
    "changing": (lambda s, names: [f"{s}-{name}" for name in names], "unique-ids"),
}


@pytest.mark.parametrize(("names", "sentence"), UNSOUND.values(), ids=UNSOUND)
def test_unsound_ids_make_no_duplicates_and_delete_nothing(
    archive: Archive, names: Callable[..., list[str | None] | None], sentence: str
) -> None:
    box = build_box(6, names=names)

    reports = [run(archive, box, AT_ONCE) for _ in range(3)]

    assert [arrived(report) for report in reports] == [6, 0, 0]
    assert sum(1 for _ in archive.catalog.placements()) == 6
    assert not list(archive.catalog.placements(gone=True))
    assert box.said(b"DELE") == 0
    assert len(box.messages) == 6
    assert sentence in refusal(reports[-1])
    assert {report.exit_code for report in reports} == {3}


def test_identical_messages_without_ids_are_counted(archive: Archive) -> None:
    box = Box({f"{n}": build(1) for n in range(4)}, names=lambda s, names: None)
    run(archive, box)
    del box.messages["0"]
    box.messages["9"] = build(9)

    report = run(archive, box)

    assert (arrived(report), report.mailboxes[0].expunged) == (1, 1)
    assert sorted(held(archive)) == sorted(box.messages.values())


def test_ids_that_changed_once_are_learned_again(archive: Archive) -> None:
    box = build_box(5)
    run(archive, box)
    box.names = lambda session, names: [f"moved-{name}" for name in names]
    run(archive, box)
    fetched = box.said(b"RETR")

    report = run(archive, box, AT_ONCE)

    assert box.said(b"RETR") == fetched
    assert report.deleted_on_server == 5
    assert all(
        v.uidl and v.uidl.startswith("moved-") for v in archive.catalog.placements(gone=True)
    )


def test_an_id_that_was_given_to_another_message_hides_none(archive: Archive) -> None:
    box = build_box(3)
    run(archive, box)
    box.messages["id1"] = b"Subject: a longer one\r\n\r\nof another size, under an old name\r\n"

    report = run(archive, box, AT_ONCE)

    assert box.messages["id1"] in held(archive)
    assert "to another message" in refusal(report)
    assert box.said(b"DELE") == 0


def test_several_blanks_before_an_id_are_no_part_of_it(archive: Archive) -> None:
    box = build_box(3, uidl_line=b"%d   \t %s \r\n")
    run(archive, box)

    assert [view.uidl for view in archive.catalog.placements()] == ["id0", "id1", "id2"]


# What servers send


def test_lines_that_were_not_stuffed_stay_as_they_are(archive: Archive) -> None:
    odd = b"Subject: dots\r\n\r\n.one\r\n.two\r\n"
    run(archive, Box({"a": odd}, stuffs=False))

    assert held(archive) == [odd]


@pytest.mark.parametrize("capabilities", [(), ("TOP", "UIDL")], ids=["no CAPA", "lock-step"])
def test_servers_of_old_are_read_and_deleted_from(
    archive: Archive, capabilities: tuple[str, ...]
) -> None:
    box = build_box(7, capabilities=capabilities)

    report = run(archive, box, AT_ONCE)

    assert (arrived(report), report.deleted_on_server) == (7, 7)
    assert not box.messages


def test_a_large_message_is_archived_and_compared(archive: Archive) -> None:
    large = b"Subject: large\r\n\r\n" + b"x" * 100_000 + b"\r\n" + b".\r\n..\r\n" * 400_000
    box = Box({"a": large}, lies_in_top=True)

    report = run(archive, box, AT_ONCE)

    (gone,) = archive.catalog.placements(gone=True)
    assert octets(archive, gone.digest) == large
    assert report.deleted_on_server == 1
    assert not list(archive.tmp.iterdir())


def test_a_message_above_the_limit_is_owed_and_never_deleted(archive: Archive) -> None:
    box = build_box(3)
    box.messages["big"] = build(1) + b"x" * 5000 + b"\r\n"

    report = run(archive, box, AT_ONCE, largest=4000)

    assert (report.debts, report.deleted_on_server) == (1, 3)
    assert list(box.messages) == ["big"]


@pytest.mark.parametrize("knob", ["refuses", "hangs_up_at"])
def test_a_message_that_cannot_be_had_stops_no_other_and_is_owed_until_it_can(
    archive: Archive, knob: str
) -> None:
    box = build_box(5)
    setattr(box, knob, frozenset({"id2"}) if knob == "refuses" else "id2")

    reports = [run(archive, box, AT_ONCE) for _ in range(2)]
    setattr(box, knob, frozenset() if knob == "refuses" else None)
    last = run(archive, box)

    assert [report.debts for report in reports] == [1, 1]
    assert box.deleted == ["id0", "id1", "id3", "id4"]
    assert (arrived(last), last.debts) == (1, 0)
    assert held(archive) == [build(2)]


# Servers that say: not now


@pytest.mark.parametrize("code", [b"[SYS/TEMP]", b"[IN-USE]", b"[LOGIN-DELAY]"])
def test_a_server_that_gives_nothing_for_now_suspends_the_account(
    tmp_path: Path, code: bytes
) -> None:
    box, clock = build_box(60), SetClock()
    box.refuses = frozenset(f"id{number}" for number in range(20, 60))
    box.refusal = code + b" slow down"
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        report = run(archive, box, AT_ONCE)
        assert isinstance(report.error, AccountSuspended)
        assert (report.exit_code, report.debts, report.deleted_on_server) == (3, 0, 0)
        assert len(held(archive)) == 20

        sessions = box.sessions
        assert run(archive, box).exit_code == 3
        assert box.sessions == sessions

        clock.time += timedelta(minutes=16)
        box.refuses = frozenset()
        again = run(archive, box)

        assert (again.exit_code, arrived(again)) == (0, 40)


def test_a_message_refused_for_now_while_others_are_served_is_owed(archive: Archive) -> None:
    box = build_box(30, refuses=frozenset({"id3", "id7", "id29"}), refusal=b"[SYS/TEMP] no")

    report = run(archive, box)

    assert report.error is None
    assert (arrived(report), report.debts) == (27, 3)


def test_a_backoff_that_the_server_names_is_kept_to(tmp_path: Path) -> None:
    box, clock = build_box(60), SetClock()
    box.refuses = frozenset({"id30"})
    box.refusal = b"Request is throttled. Suggested Backoff Time: 600000 milliseconds"
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        report = run(archive, box)

        assert isinstance(report.error, AccountSuspended)
        assert report.error.until == clock.now() + timedelta(minutes=10)
        assert (len(held(archive)), report.debts) == (30, 0)


@pytest.mark.parametrize("code", [b"[SYS/TEMP]", b"[IN-USE]", b"[LOGIN-DELAY]"])
def test_a_login_refused_for_now_is_no_wrong_password(archive: Archive, code: bytes) -> None:
    box = build_box(3, login=b"-ERR " + code + b" another session\r\n")

    report = run(archive, box)

    assert isinstance(report.error, AccountSuspended)
    assert report.exit_code == 3
    assert archive.standings.of("me").refusals == 0
    assert box.said(b"PASS") == 1


def test_a_login_delay_is_awaited_by_the_next_sync_and_not_by_another_session(
    archive: Archive,
) -> None:
    capabilities = ("UIDL", "TOP", "USER", "PIPELINING", "LOGIN-DELAY 900")
    box = build_box(230, shows=100, capabilities=capabilities)

    report = run(archive, box, AT_ONCE)

    assert (box.sessions, arrived(report), report.deleted_on_server) == (1, 100, 100)
    assert report.exit_code == 0


def test_a_daily_limit_stops_cleanly_and_the_next_day_goes_on(tmp_path: Path) -> None:
    box, clock = build_box(0), SetClock()
    box.messages = {f"id{n}": build(n) + b"x" * 1000 + b"\r\n" for n in range(100)}
    reports: list[AccountReport] = []
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        while not reports or (reports[-1].exit_code == 3 and len(reports) < 9):
            allowance = Allowance(clock, daily_limit=40_000)
            reports.append(run(archive, box, allowance=allowance))
            assert allowance.spent()[1] < 50_000
            clock.time += timedelta(days=1)

        assert [arrived(report) > 0 for report in reports] == [True] * len(reports)
        assert 3 <= len(reports) <= 5
        assert all(report.debts == 0 for report in reports)
        assert held(archive) == list(box.messages.values())
    assert box.said(b"RETR") == 100


# Servers that show some of the mail at a time


def test_mail_shown_in_parts_is_drained_in_one_sync(archive: Archive) -> None:
    box = build_box(230, shows=100, hides_fetched=True, greeting=b"+OK Gpop ready\r\n")

    report = run(archive, box)
    again = run(archive, box)

    assert arrived(report) == 230
    assert (arrived(again), again.mailboxes[0].expunged, again.exit_code) == (0, 0, 0)
    assert held(archive) == list(box.messages.values())


def test_a_server_that_hides_what_was_fetched_is_found_out(archive: Archive) -> None:
    box = build_box(230, shows=100, hides_fetched=True)

    report = run(archive, box)
    again = run(archive, box)

    assert (arrived(report), arrived(again)) == (230, 0)
    assert len(held(archive)) == 230
    assert not list(archive.catalog.placements(gone=True))


@pytest.mark.parametrize("hides", [True, False])
def test_mail_shown_in_parts_is_deleted_in_one_sync(archive: Archive, hides: bool) -> None:
    greeting = b"+OK Gpop ready\r\n" if hides else b"+OK\r\n"
    box = build_box(230, shows=100, hides_fetched=hides, greeting=greeting)

    report = run(archive, box, AT_ONCE)

    assert (arrived(report), report.deleted_on_server) == (230, 230)
    assert not box.messages
    assert report.exit_code == 0


# Deleting


def test_nothing_is_deleted_unless_asked(archive: Archive) -> None:
    box = build_box(5)

    report = run(archive, box)

    assert report.deleted_on_server == 0
    assert box.said(b"DELE") == 0


@pytest.mark.parametrize("quits", ["deletes and hangs up", "hangs up", "-ERR"])
def test_an_unanswered_quit_is_settled_and_is_no_loss(archive: Archive, quits: str) -> None:
    box = build_box(60, quits=quits)

    report = run(archive, box, AT_ONCE)
    box.quits = "+OK"
    again = run(archive, box, AT_ONCE)

    assert report.deleted_on_server + again.deleted_on_server == 60
    assert not any(r.suspicion or r.mailboxes[0].suspicion for r in (report, again))
    assert not box.messages
    assert len(list(archive.catalog.placements(gone=True))) == 60


def test_a_quit_that_nobody_could_settle_is_settled_by_the_next_sync(archive: Archive) -> None:
    box = build_box(60, quits="deletes and hangs up")
    sessions = iter((True, True))
    login = Pop3Client.connect

    class Unreachable(Exception):
        pass

    with box.serve() as server:
        endpoint = Endpoint(HOST, server.port, TlsMode.NONE, timeouts=QUICK)

        def connect() -> Pop3Client:
            if next(sessions, False):
                return login(endpoint, Login("me", lambda: "secret"), None)
            raise LoginRefused("not now")

        account = SyncAccount(
            "me",
            "pop3",
            lambda: Pop3Source(connect, MailboxGlobs(["*"]), clock=ImpatientClock()),
            MailboxGlobs(["*"]),
            removal=AT_ONCE,
        )
        sync(archive, [account])
    assert sum(1 for _ in archive.catalog.placements()) == 60

    report = run(archive, box, AT_ONCE)

    assert report.deleted_on_server == 60
    assert report.exit_code == 0
    assert not list(archive.catalog.placements())


def test_a_message_that_is_another_one_now_is_not_deleted(archive: Archive) -> None:
    box = build_box(3)
    run(archive, box)
    box.messages["id1"] = build(1).replace(b"me@", b"us@")  # of the same size

    report = run(archive, box, AT_ONCE)

    assert report.deleted_on_server == 2
    assert list(box.messages) == ["id1"]


def test_a_top_that_differs_is_made_good_by_the_whole_message(archive: Archive) -> None:
    box = build_box(3, lies_in_top=True)

    report = run(archive, box, AT_ONCE)

    assert report.deleted_on_server == 3


def test_a_suspicious_run_deletes_nothing(archive: Archive) -> None:
    box = build_box(100)
    run(archive, box)
    for number in range(80):
        del box.messages[f"id{number}"]
    box.messages["new"] = build(500)

    report = run(archive, box, AT_ONCE)

    assert report.mailboxes[0].suspicion
    assert box.said(b"DELE") == 0
    assert len(box.messages) == 21


def test_an_account_under_suspicion_is_not_deleted_from_until_it_is_accepted(
    archive: Archive,
) -> None:
    box = build_box(100)
    run(archive, box)
    for number in range(80):
        del box.messages[f"id{number}"]
    run(archive, box)

    frozen = run(archive, box, AT_ONCE)
    accept(archive, suspected(archive, "me"))
    thawed = run(archive, box, AT_ONCE)

    assert [each.deleted_on_server for each in (frozen, thawed)] == [0, 20]


class ForgetfulStore(MemoryStore):
    """Stores everything, and gives one message back damaged after the commit."""

    def get(self, digest: Digest) -> bytes:
        if digest == Digest.of(build(2)):
            raise ArchiveDamaged(f"message {digest} is damaged")
        return super().get(digest)


def test_nothing_is_deleted_when_anything_cannot_be_read_back(tmp_path: Path) -> None:
    box = build_box(5)
    with Archive.create(
        tmp_path / "archive", clock=ImpatientClock(), content=lambda layout: ForgetfulStore()
    ) as archive:
        report = run(archive, box, AT_ONCE)

    assert arrived(report) == 5
    assert "cannot be read back" in refusal(report)
    assert box.said(b"DELE") == 0


def test_what_we_deleted_is_no_loss_to_the_guard(archive: Archive) -> None:
    box = build_box(200)
    run(archive, box)

    report = run(archive, box, AT_ONCE)

    assert report.deleted_on_server == 200
    assert report.mailboxes[0].suspicion is None
    assert report.exit_code == 0


def test_deleted_mail_is_told_again_by_a_rebuilt_catalog(tmp_path: Path) -> None:
    from mailvault.archive.rebuild import rebuild_catalog

    box = build_box(5)
    path = tmp_path / "archive"

    def told() -> list[object]:
        with Archive.open(path, writing=False, clock=ImpatientClock()) as archive:
            views = [*archive.catalog.placements(gone=True), *archive.catalog.placements()]
            return [(v.uid, v.uidl, v.digest, v.gone_since) for v in views]

    with Archive.create(path, clock=ImpatientClock()) as archive:
        run(archive, box)
        box.names = lambda session, names: [f"moved-{name}" for name in names]
        run(archive, box)
        del box.messages["id0"]
        run(archive, box, AT_ONCE)
    before = told()
    rebuild_catalog(path, clock=ImpatientClock())

    assert told() == before
    assert len(before) == 5


def test_mail_is_deleted_after_its_days(tmp_path: Path) -> None:
    box, clock = build_box(5), SetClock()
    deleted = []
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        for day in range(5):
            box.messages[f"late{day}"] = build(100 + day)
            deleted.append(run(archive, box, RemovalPolicy(3)).deleted_on_server)
            clock.time += timedelta(days=1)

    assert deleted == [0, 0, 0, 6, 1]
    assert list(box.messages) == ["late2", "late3", "late4"]


@pytest.mark.parametrize("jump", [-365, 3650], ids=["back a year", "forward ten years"])
def test_a_jump_of_the_clock_deletes_nothing_early(tmp_path: Path, jump: int) -> None:
    box, clock = build_box(5), SetClock()
    with Archive.create(tmp_path / "archive", clock=clock) as archive:
        run(archive, box, RemovalPolicy(3))
        clock.time += timedelta(days=jump)
        reports = [run(archive, box, RemovalPolicy(3)) for _ in range(3)]

    assert [report.deleted_on_server for report in reports] == [0, 0, 0]
    assert box.said(b"DELE") == 0
