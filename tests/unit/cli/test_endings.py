"""Signals and closed pipes end the program soon and quietly."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mailvault.archive.lock import WriteLock
from mailvault.cli.interruption import SPOKEN_OF, interrupted
from mailvault.cli.registry import COMMANDS
from mailvault.wiring import SystemClock

# A program that is in the middle of something when the signal comes.
WORKING = """
import sys, time
from mailvault.cli import app
def work(arguments, unattended):
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("cleaned", flush=True)
app._run = work
app.main()
"""
STUCK = """
import sys, threading, time
from mailvault.cli import app, signals
signals.GRACE_SECONDS = 0.5
def work(arguments, unattended):
    threading.Thread(target=time.sleep, args=(60,)).start()
    print("ready", flush=True)
    time.sleep(60)
app._run = work
app.main()
"""


def started(code: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_unwinds_and_ends_with_its_code(number: signal.Signals, code: int) -> None:
    with started(WORKING) as process:
        process.send_signal(number)
        output, errors = process.communicate(timeout=10)

    assert process.returncode == code
    assert output == b"cleaned\n"
    assert errors == b"mailvault: interrupted\n"


def test_threads_that_do_not_end_cannot_keep_the_process() -> None:
    with started(STUCK) as process:
        began = time.monotonic()
        process.terminate()
        _, errors = process.communicate(timeout=10)

    assert process.returncode == 143
    assert errors == b"mailvault: interrupted\n"
    assert time.monotonic() - began < 5


def test_a_second_signal_ends_at_once() -> None:
    slow = WORKING.replace(
        'print("cleaned", flush=True)', 'print("x", flush=True); time.sleep(60)'
    )
    with started(slow) as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == b"x\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=3)

    assert process.returncode == 130
    assert errors == b"mailvault: interrupted\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sync work", "what was archived is safe, and the next sync goes on from there"),
        ("--config export sync", "what was archived is safe, and the next sync goes on from"),
        ("sync --dry-run", "nothing was changed"),
        ("import a --account b", "what was imported is safe, and the same command imports the"),
        ("restore a --to b", "the same command puts back the rest, nothing twice"),
        ("migrate a b", "what was moved stays; the same command goes on where it stopped"),
        (
            "export out --format eml",
            "what was written stays; the same command goes on where it",
        ),
        ("copy out", "the archive is as it was; the same command goes on where it stopped"),
        ("convert out --store eml", "the archive is as it was; the same command goes on where"),
        ("verify --sample 5", "the archive is as it was; run it again for a result"),
        ("prune --gone-for 1y --yes", "the same command goes on with the rest"),
    ],
    ids=lambda each: each.split()[0],
)
def test_an_interrupted_command_says_in_a_line_how_its_work_goes_on(
    line: str, said: str
) -> None:
    text = interrupted(line.split(), exit_code=130, log_format="text")
    told = json.loads(interrupted(line.split(), exit_code=130, log_format="json"))

    assert text.startswith("mailvault: interrupted: ")
    assert said in text
    assert "\n" not in text
    assert len(text) <= 110
    assert (told["message"], told["exit_code"]) == ("interrupted", 130)
    assert f"mailvault: interrupted: {told['hint']}" == text


@pytest.mark.parametrize("line", ["", "list", "cat 12", "--version", "nonsense", "login a"])
def test_what_leaves_nothing_half_done_only_says_that_it_was_interrupted(line: str) -> None:
    said = interrupted(line.split(), exit_code=143, log_format="text")

    assert said == "mailvault: interrupted"


def test_every_command_that_is_spoken_of_is_one() -> None:
    assert {name for name, _, _ in COMMANDS} >= SPOKEN_OF


def test_an_interrupted_copy_leaves_the_archive_and_is_finished_by_the_same_command(
    tmp_path: Path,
) -> None:
    (tmp_path / "mailvault.toml").write_text('[archive]\npath = "archive"\n')
    program = str(Path(sys.executable).with_name("mailvault"))
    subprocess.run([program, "init"], cwd=tmp_path, stdout=subprocess.DEVNULL, check=True)
    copy = [program, "copy", "elsewhere"]

    with (
        WriteLock.acquire(tmp_path / "archive", clock=SystemClock()),
        subprocess.Popen(
            copy, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process,
    ):
        deadline = time.monotonic() + 60
        while not (tmp_path / "elsewhere" / "lock").exists():  # it waits for the archive now
            assert time.monotonic() < deadline
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    again = subprocess.run(copy, cwd=tmp_path, capture_output=True, check=False)

    assert process.returncode == 130
    assert output == b""
    assert errors.decode() == f"{interrupted(['copy'], exit_code=130, log_format='text')}\n"
    assert again.returncode == 0, again.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [sys.executable, "-c", "from mailvault.cli.app import main; main()", "--version"],
        stdout=writing,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        os.close(writing)
        _, errors = process.communicate(timeout=10)

    assert errors == b""
    assert process.returncode == 141


def test_a_full_disk_behind_standard_output_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from mailvault.cli.app import main; main()", "--version"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert done.returncode == 21
    assert done.stderr == b"mailvault: standard output: No space left on device\n"
