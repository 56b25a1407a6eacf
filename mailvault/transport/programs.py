"""Runs a program that is told something on its input, without a shell and not for ever."""

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress

from mailvault.errors import ConfigurationError, ConnectionLost, ServerRefused

_OURS = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "CREDENTIALS_DIRECTORY")
"""What systemd gave to us alone."""


def tell(
    command: tuple[str, ...], content: bytes, variables: Mapping[str, str], *, wait: float
) -> None:
    """Run a program to its end, at most ``wait`` seconds; what it prints goes nowhere.

    Raises:
        ConfigurationError: it cannot be run.
        SourceError: it ended with another code than 0, or not in time.
    """
    program = os.path.expanduser(command[0])  # noqa: PTH111 - a bare name must stay bare
    kept = {key: value for key, value in os.environ.items() if key not in _OURS}
    try:
        process = subprocess.Popen(
            [program, *command[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**kept, **variables},
            start_new_session=True,
        )
    except OSError as error:
        raise ConfigurationError(
            f"{program} cannot be run: {error.strerror}",
            hint="install it, or write its full path",
        ) from error
    with process:
        try:
            process.communicate(content, timeout=wait)
        except subprocess.TimeoutExpired:
            raise ConnectionLost(f"{program} did not end within {wait:.0f} s") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise ServerRefused(
            f"{program} ended with exit code {process.returncode}",
            hint="run it by hand with the JSON on its input; docs/alarms.md shows some",
        )
