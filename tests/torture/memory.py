"""The most memory that a command held, with the processes it started."""

import os
import subprocess
import sys

from bench.measure import LAUNCHER
from tests.server.vault import Vault


def peak_memory(vault: Vault, *arguments: str) -> tuple[int, int]:
    """Run a command; give its exit code and the most octets of memory it held.

    A small program starts it: Linux counts for a process what the one that started it once
    held, and these tests hold much. What the command says is in ``output`` afterwards.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading) as numbers, (vault.folder / "output").open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-I", "-S", LAUNCHER, str(writing), *vault.command(*arguments)],
            env=vault.environment(),
            cwd=vault.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[writing],
            check=False,
        )
        os.close(writing)
        return done.returncode, int(numbers.read().split()[2])
