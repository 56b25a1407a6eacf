"""Starts one program and writes what it used to a file descriptor: see `bench.measure`.

A program of its own, and a small one: Linux hands the peak memory of a process on to those
it starts, so that a child of a large process never seems small.
"""

import os
import sys
import time


def main(report_to: int, arguments: list[str]) -> int:
    started = time.perf_counter()
    child = os.posix_spawnp(arguments[0], arguments, os.environ)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    # Linux counts ru_maxrss in KiB.
    numbers = (seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
    os.write(report_to, " ".join(str(number) for number in numbers).encode("ascii"))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]) & 0xFF)
