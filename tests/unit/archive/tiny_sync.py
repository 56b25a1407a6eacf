"""A sync small enough to be killed at every step of it, in a process made for that."""

import ctypes
import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mailvault.archive.archive import Archive
from mailvault.errors import MailvaultError
from mailvault.mail.model import INBOX, Batch, Mailbox
from tests.unit.archive.builders import build_arrival, build_batch, open_again

STEPS: tuple[Batch, ...] = (
    build_batch(arrived=[1, build_arrival(2, "\\Seen"), 3], unreadable=[4], cursor="1"),
    build_batch(arrived=[4, 5], flags={1: ("\\Seen",)}, expunged=[2], cursor="2"),
)
Act = Callable[[Path, Callable[[str], None]], None]
UNEXPECTED = 99
_MAY_BE_TRACED = (0x59616D61, -1)  # prctl(PR_SET_PTRACER, ANY): Ubuntu lets only parents trace


@dataclass(frozen=True)
class Ended:
    """How a process ended (negative: by which signal), and the last cursor it confirmed."""

    status: int
    confirmed: int


def tiny_sync(archive: Archive, confirm: Callable[[str], None] = lambda _: None) -> None:
    """Do the steps that are not done yet, and confirm each when it is durable."""
    known = {view.name: view for view in archive.catalog.mailboxes()}
    cursor = known[INBOX].cursor if INBOX in known else None
    recorder = archive.start_run()
    account_id = recorder.account("work", "imap")
    mailbox_id = known[INBOX].mailbox_id if INBOX in known else None
    mailbox_id = recorder.describe(account_id, Mailbox(INBOX), mailbox_id=mailbox_id)
    try:
        for step in STEPS[int(cursor or 0) :]:
            recorder.add(mailbox_id, step)
            recorder.flush()
            confirm(f"{step.cursor} ")
        recorder.account_finished(account_id, None)
        recorder.finish(0)
    finally:
        recorder.abandon()


def sync_folder(folder: Path, confirm: Callable[[str], None]) -> None:
    with open_again(folder, writing=True) as archive:
        tiny_sync(archive, confirm)


def run_traced(
    strace: str, injection: str, folder: Path, act: Act = sync_folder, *, only: str = ""
) -> Ended:
    """Act on an archive in a process whose system calls strace tampers with.

    strace counts the calls of each thread by themselves; ``only`` counts those on one file.
    """
    go, told = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        _be_the_child(folder, act, go[0], told[1])
    os.close(told[1])
    command = [strace, "-f", "-o", "/dev/null", "-e", f"trace={injection.split(':')[0]}"]
    command += ["-e", f"inject={injection}", "-p", str(child)]
    command += ["-P", str(folder / only)] if only else []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        os.write(go[1], b".")
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        tracer.stderr.read()
    with os.fdopen(told[0]) as confirmations:
        confirmed = [int(cursor) for cursor in confirmations.read().split()]
    os.close(go[0])
    os.close(go[1])
    return Ended(status, max(confirmed, default=0))


def _be_the_child(folder: Path, act: Act, go: int, told: int) -> None:
    """Never returns: this is a copy of the test's process and must not act as one."""
    status = UNEXPECTED
    with suppress(BaseException):
        ctypes.CDLL(None).prctl(*_MAY_BE_TRACED, 0, 0, 0)
        os.read(go, 1)
        try:
            act(folder, lambda cursor: void(os.write(told, cursor.encode())))
            status = 0
        except MailvaultError as error:
            status = error.exit_code
    os._exit(status)


def void(_: object) -> None:
    """Drop a result that nobody needs."""
