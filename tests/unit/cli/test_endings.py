"""Signals and closed pipes end the program soon and quietly."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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
        process.communicate(timeout=10)

    assert process.returncode == 143
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
        process.communicate(timeout=3)

    assert process.returncode == 130


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
