"""Starts one program and writes what it used to a file descriptor: see `bench.measure`.

A program of its own, and a small one: Linux hands the peak memory of a process on to those
it starts, so that a child of a large process never seems small.
"""

import os
import select
import sys
import time

_EVERY = 0.05  # seconds between two looks at what the program has started


def main(report_to: int, arguments: list[str]) -> int:
    started = time.perf_counter()
    child = os.posix_spawnp(arguments[0], arguments, os.environ)
    together = _peak_together(child)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    # Linux counts ru_maxrss in KiB, and gives that of the largest process alone.
    peak = max(usage.ru_maxrss, together) * 1024
    numbers = (seconds, usage.ru_utime + usage.ru_stime, peak)
    os.write(report_to, " ".join(str(number) for number in numbers).encode("ascii"))
    return os.waitstatus_to_exitcode(status)


def _peak_together(child: int) -> int:
    """Wait for the program; the most that it and those it started held together, in KiB.

    What several processes share, as the interpreter itself, counts once (PSS). Looked at
    now and then: a program that is one process has its exact peak from `wait4`.
    """
    peak = 0
    handle = os.pidfd_open(child)
    while not select.select([handle], [], [], _EVERY)[0]:
        others = _started_by(str(child))
        if others:
            peak = max(peak, sum(map(_proportional, (str(child), *others))))
    return peak


def _started_by(pid: str) -> list[str]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - as below
        found = [_read(f"/proc/{pid}/task/{each}/children").split() for each in threads]
    except OSError:
        return []
    own = [each for pids in found for each in pids]
    return own + [other for each in own for other in _started_by(each)]


def _proportional(pid: str) -> int:
    try:
        lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _read(path: str) -> str:
    with open(path) as file:  # noqa: PTH123 - no import that this small program can do without
        return file.read()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]) & 0xFF)
