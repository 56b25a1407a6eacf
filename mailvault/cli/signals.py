"""Turns SIGINT and SIGTERM into an exception, and makes sure that the process ends."""

import os
import select
import signal
import sys
from collections.abc import Callable
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


class _Words:
    """What is said at the end, once."""

    def __init__(self) -> None:
        self.of_end: Callable[[int], str] = lambda _: "interrupted"
        self.are_said = False


_words = _Words()


def listen(words: Callable[[int], str]) -> None:
    """Raise `Interrupted` in the main thread at the first signal; end at once at a second.

    ``words`` say what an exit code means for the command that ended with it.
    """
    _words.of_end = words
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


def say(exit_code: int) -> None:
    """Say on standard error how the command ended."""
    _words.are_said = True
    print(_words.of_end(exit_code), file=sys.stderr)


def _end_now(number: int, _: FrameType | None) -> None:
    if _takes_words():
        # A progress bar hides the cursor, and ends no line.
        shown = "\x1b[?25h\n" if sys.stderr.isatty() else ""
        said = "" if _words.are_said else f"{_words.of_end(128 + number)}\n"
        os.write(2, (shown + said).encode())
    os._exit(128 + number)


def _takes_words() -> bool:
    """Whether a line on standard error gets through: one that nobody reads may be full."""
    if sys.stderr is None:
        return False
    try:
        return bool(select.select([], [2], [], 0)[1])
    except (OSError, ValueError):
        return False
