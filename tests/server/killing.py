"""Commands that are killed at any moment of their work, however fast the machine is."""

import random
import signal
import subprocess
import time

from tests.server.vault import Vault

_GROWTH = 1.2


class RandomKiller:
    """Kills a command at a moment drawn between its start and its end.

    How long it takes is learned: from those that ended first, and while none does by growing.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._seconds = 1.0

    def kill(self, vault: Vault, *arguments: str) -> bool:
        """Run a command and kill it. Tell if it had not ended yet."""
        started = time.monotonic()
        with vault.start(*arguments) as process:
            try:
                # Before that it is only being loaded.
                process.wait(self._seconds * self._chance.uniform(0.2, 1.0))
            except subprocess.TimeoutExpired:
                process.kill()
                self._seconds *= _GROWTH
            else:
                self._seconds = time.monotonic() - started
            _, said = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), said
        return process.returncode != 0
