"""Turns SIGINT and SIGTERM into an exception, and makes sure that the process ends."""

import os
import signal
import sys
from threading import Timer
from types import FrameType

GRACE_SECONDS = 4.0
"""Time to unwind. The archive bears a kill at any point, so ending late is worse."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """The process was asked to end. Not an Exception: nothing may take it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def listen() -> None:
    """Raise `Interrupted` in the main thread at the first signal; end at once at a second."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and a shell's & ask for
            signal.signal(number, _interrupt)


def _interrupt(number: int, _: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, _end_now)
    timer = Timer(GRACE_SECONDS, _end_now, [number, None])
    timer.daemon = True
    timer.start()
    raise Interrupted(number)


def _end_now(number: int, _: FrameType | None) -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        os.write(2, b"\x1b[?25h")  # a progress bar hides the cursor
    os._exit(128 + number)
