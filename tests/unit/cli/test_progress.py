"""Progress shows on a terminal, never in a pipe, and never in the results."""

import json
import os
import pty
import subprocess
import sys

from tests.unit.cli.program import Setting
from tests.unit.cli.test_init import read_all

PROGRAM = [sys.executable, "-c", "from mailvault.cli.app import main; main()"]


def test_a_terminal_sees_progress_and_the_pipe_only_results(
    setting: Setting, account: str
) -> None:
    setting.configure(work=account)
    setting.run("init")
    leader, follower = pty.openpty()

    with subprocess.Popen(
        [*PROGRAM, "--config", str(setting.configuration), "sync", "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=follower,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    ) as process:
        os.close(follower)
        output, _ = process.communicate(timeout=60)
    seen = read_all(leader)

    assert json.loads(output)["accounts"][0]["ok"]
    assert "messages" in seen
    assert "\x1b[?25h" in seen, "the cursor was hidden and not shown again"


def test_a_pipe_sees_no_progress(setting: Setting, account: str) -> None:
    setting.configure(work=account)
    setting.run("init")

    done = subprocess.run(
        [*PROGRAM, "--config", str(setting.configuration), "sync"],
        capture_output=True,
        check=True,
    )

    assert done.stderr == b""
    assert b"\x1b" not in done.stdout
