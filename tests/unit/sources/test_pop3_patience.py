"""POP3 servers that say: not now."""

from datetime import timedelta
from pathlib import Path

import pytest

from mailvault.archive.archive import Archive
from mailvault.errors import AccountSuspended
from mailvault.operations.reports import AccountReport
from mailvault.transport.allowance import Allowance
from tests.unit.sources.pop3_syncs import (
    AT_ONCE,
    SetClock,
    arrived,
    build,
    build_box,
    held,
    run,
)


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
