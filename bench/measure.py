"""Running a program and saying what it cost: time by the wall, processor time, peak memory."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import HERE

LAUNCHER = HERE / "bench" / "launch.py"


class ContenderFailed(Exception):
    """A program that was to be measured did not do its work."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process and those it started used; ``peak_octets`` is the sum of their peaks."""

    seconds: float
    cpu_seconds: float
    peak_octets: int
    output: str


_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""Installed programs come compiled, and ours shall be measured as one."""


def run(
    arguments: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    accept: Sequence[int] = (0,),
) -> Cost:
    """Run to the end. Raises ContenderFailed for an exit code not accepted."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as numbers:
        done = subprocess.run(
            [sys.executable, "-I", "-S", LAUNCHER, str(writing), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**_ENVIRONMENT, **(environment or {})},
            cwd=HERE,
            pass_fds=[writing],
            check=False,
        )
        os.close(writing)
        used = numbers.read().split()
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode not in accept:
        words = " ".join(str(argument) for argument in arguments[:4])
        raise ContenderFailed(f"{words}: exit {done.returncode}\n{output[-2_000:]}")
    return Cost(float(used[0]), float(used[1]), int(used[2]), output)


def folder_octets(folder: Path) -> int:
    """The sizes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
