"""What ``status`` shows: exactly, on paper of several kinds, and on a terminal."""

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailvault.cli.colours import wants_colours
from mailvault.cli.paper import Paper
from mailvault.cli.status_report import status_lines
from mailvault.cli.terminal import width
from mailvault.monitoring.overview import Overview
from tests.unit.cli.program import Setting
from tests.unit.monitoring.overviews import (
    build_account,
    build_job,
    build_overview,
    build_troubled,
)

TROUBLED = """\
8 of 11 accounts need attention: signed-out, refused, work and 5 more
the last verify: verify found damage; mailvault repair shows its plan

  state          account     last success  next       messages      size  owed
! needs login    signed-out  1 d 6 h ago   in 10 min     1,200  45.8 MiB     0
! login refused  refused     9 d ago       in 10 min     1,200  45.8 MiB     0
! failing        work        5 min ago     in 10 min     1,200  45.8 MiB     0
! suspicious     lost        5 min ago     in 10 min     1,200  45.8 MiB     0
! never synced   new         never         in 10 min         0       0 B     0
! overdue        overdue     5 d ago       in 10 min     1,200  45.8 MiB     0
! late           late        2 d ago       in 10 min     1,200  45.8 MiB     0
! owed           owing       5 min ago     in 10 min     1,200  45.8 MiB     1
  paused         holiday     5 min ago     in 10 min     1,200  45.8 MiB     0
  ok             fine        5 min ago     in 10 min     1,200  45.8 MiB     0
  archive only   gone        400 d ago     in 10 min     1,200  45.8 MiB     0

signed-out: needs login: the token was revoked
   -> mailvault login signed-out

refused: mail.example.org refused the login; not asked again before 2026-03-09
  14:00
   -> correct the password, then: mailvault sync refused

work: imap.example.com: connection refused
   -> mailvault check work

lost: suspicious since 2026-03-08 12:00: INBOX: 5000 messages gone
   -> if it was meant: mailvault accept lost; if not: mailvault restore lost
     --to ACCOUNT --at 6

new: never synced
   -> mailvault sync new; an account that only takes mail: see docs/restore.md

overdue: no success since 2026-03-04 12:00, which is longer than its schedule
  wants
   -> mailvault log overdue, and see that mailvault daemon or run --due runs

late: no success since 2026-03-07 12:00, which is longer than its schedule wants
   -> mailvault log late, and see that mailvault daemon or run --due runs

holiday: rests until 2026-03-09 14:00: the day's octets are used up

owed since 2026-03-07 12:00: owing INBOX UID 77: too large

archive  /srv/mail (sqlite)
         3,000 messages in 3,600 places, 91.6 MiB, stored in 19.1 MiB (21%), 466
           GiB free
verify   1 d ago (full): ! verify found damage
         every message verified since 2026-03-06 12:00
drill    1 d ago: done
copy     never
"""

ESCAPES = re.compile("\x1b\\[[0-9;]*m")


@pytest.fixture(autouse=True)
def _universal_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def shown(overview: Overview, paper: Paper) -> str:
    return "\n".join(status_lines(overview, paper)) + "\n"


def test_every_state_has_its_word_its_mark_and_its_hint() -> None:
    assert shown(build_troubled(), Paper(80)) == TROUBLED


def test_colours_add_nothing_but_colours() -> None:
    coloured = shown(build_troubled(), Paper(80, is_coloured=True))

    assert ESCAPES.sub("", coloured) == TROUBLED
    assert "\x1b[1;31m! needs login  \x1b[0m  signed-out" in coloured
    assert "\x1b[33m! late         \x1b[0m  late" in coloured
    assert "\x1b[32m  ok           \x1b[0m  fine" in coloured


@pytest.mark.parametrize("columns", [40, 60, 72, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    lines = shown(build_troubled(), Paper(columns)).splitlines()

    assert max(map(width, lines)) <= columns
    assert any("signed-out" in line and "needs login" in line for line in lines)


def test_in_a_pipe_every_complaint_is_one_line() -> None:
    lines = shown(build_troubled(), Paper()).splitlines()

    assert (
        "refused: mail.example.org refused the login; not asked again before 2026-03-09 14:00"
    ) in lines


def test_an_archive_that_is_well_says_so_first() -> None:
    one = build_overview(build_account("work"))
    two = build_overview(build_account("home"), build_account("work"))

    assert shown(one, Paper(80)).splitlines()[0] == "the account is well"
    assert shown(two, Paper(80)).splitlines()[0] == "all 2 accounts are well"


def test_damage_that_verify_found_stands_at_the_top() -> None:
    overview = build_overview(build_account("work"), jobs=(build_job("verify", 4),))

    assert shown(overview, Paper(80)).splitlines()[1] == (
        "the last verify: verify found damage; mailvault repair shows its plan"
    )


def test_a_name_too_long_is_cut_and_nothing_else() -> None:
    overview = build_overview(build_account("a-very-long-name-" * 5))

    (line,) = [line for line in status_lines(overview, Paper(80)) if line.startswith("  ok")]

    assert "…" in line
    assert "45.8 MiB" in line


def test_control_characters_of_a_server_reach_no_terminal() -> None:
    overview = build_overview(build_account("work", last_error="no\x1b[2J\x07"))

    assert "\x1b" not in shown(overview, Paper(80))


def on_terminal(setting: Setting, **environment: str) -> str:
    """What ``status`` writes to a terminal of 80 columns."""
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (25, 80))
    command = [str(Path(sys.executable).with_name("mailvault")), "status"]
    kept = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(setting.folder)}
    process = subprocess.Popen(
        [*command, "--config", str(setting.configuration)],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        env=kept | environment,
    )
    os.close(terminal)
    written = b""
    while select.select([controller], [], [], 120)[0]:
        try:
            piece = os.read(controller, 65536)
        except OSError:  # EIO: nobody holds the other end any more
            break
        if not piece:
            break
        written += piece
    os.close(controller)
    assert process.wait(120) == 0
    return written.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("environment", "is_coloured"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
    ids=["xterm", "empty NO_COLOR", "NO_COLOR", "dumb", "no TERM"],
)
def test_a_terminal_gets_colours_unless_they_are_not_wanted(
    setting: Setting, account: str, environment: dict[str, str], *, is_coloured: bool
) -> None:
    setting.configure(work=account)
    setting.run("init")

    written = on_terminal(setting, **environment)

    assert ("\x1b[" in written) == is_coloured
    assert "1 of 1 account needs attention: work\n" in ESCAPES.sub("", written)


def test_a_pipe_gets_no_colours(setting: Setting, account: str) -> None:
    setting.configure(work=account)
    setting.run("init")

    assert "\x1b" not in setting.run("status").stdout
    with (setting.folder / "out").open("w") as file:
        assert not wants_colours(file, {"TERM": "xterm"})


def test_json_names_the_state_of_each_account(setting: Setting, account: str) -> None:
    setting.configure(work=account, home=account.replace('user = "', 'user = "no'))
    setting.run("init")
    setting.run("sync", "work")
    setting.run("sync", "home")

    accounts = setting.run("status", "--json").document()["accounts"]

    assert {each["account"]: each["state"] for each in accounts} == {
        "work": "ok",
        "home": "login refused",
    }
    assert {each["account"]: each["login_refusals"] for each in accounts} == {
        "work": 0,
        "home": 1,
    }
