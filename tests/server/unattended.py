"""Daemons that tests start, listen to and end; and somebody in systemd's place."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.server.vault import Json, Vault

PATIENCE = 120.0
"""Seconds for what comes within a few on a machine that has nothing else to do."""


class RunningDaemon:
    """A daemon as a process of its own, and what it says."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self.process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log: list[str] = []
        self._told: queue.SimpleQueue[Json] = queue.SimpleQueue()
        self._logged = threading.Condition()
        self._threads = [
            threading.Thread(target=self._read_log, daemon=True),
            threading.Thread(target=self._read_told, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def wait_for_log(self, words: str, *, count: int = 1) -> None:
        """Wait until so many lines hold these words."""

        def is_said() -> bool:
            return sum(words in line for line in self.log) >= count

        with self._logged:
            if not self._logged.wait_for(is_said, PATIENCE):
                raise AssertionError(f"never said {words!r}: {''.join(self.log)}")

    def wait_for(self, is_it: Callable[[Json], bool]) -> Json:
        """Wait for something that a hasty daemon tells."""
        while True:
            try:
                told = self._told.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"never told: {''.join(self.log)}") from None
            if is_it(told):
                return told

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._logged:
                self.log.append(line)
                self._logged.notify_all()

    def _read_told(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._told.put(json.loads(line))


def start_daemon(vault: Vault, **environment: str) -> RunningDaemon:
    """Start the program itself."""
    return RunningDaemon(
        vault.command("daemon"), vault.environment() | environment, vault.folder
    )


def start_hasty(
    vault: Vault, environment: dict[str, str] | None = None, **tempers: object
) -> RunningDaemon:
    """Start a daemon in a hurry."""
    command = [
        *(sys.executable, "-m", "tests.server.hasty_daemon"),
        *(str(vault.configuration), json.dumps(tempers)),
    ]
    paths = {"PYTHONPATH": str(Path(__file__).parents[2])}
    return RunningDaemon(
        command, vault.environment() | paths | (environment or {}), vault.folder
    )


class Systemd:
    """Hears what a service tells systemd."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(PATIENCE)

    def hear(self) -> dict[str, str]:
        """The fields of the next message."""
        lines = self._socket.recv(4096).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def wait_for(self, field: str) -> dict[str, str]:
        while field not in (heard := self.hear()):
            pass
        return heard

    def hush(self, seconds: float) -> bool:
        """Whether nothing more is heard for so long."""
        self._socket.settimeout(seconds)
        try:
            self._socket.recv(4096)
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(PATIENCE)
        return False

    def close(self) -> None:
        self._socket.close()


@contextmanager
def systemd_at(address: str) -> Iterator[Systemd]:
    systemd = Systemd(address)
    try:
        yield systemd
    finally:
        systemd.close()


def schedule(vault: Vault, lines: str) -> None:
    """Add a table [schedule] to the configuration."""
    with vault.configuration.open("a") as file:
        file.write(f"\n[schedule]\n{lines}\n")


def environment_of(systemd: Systemd, *, watchdog: float = 0.0) -> dict[str, str]:
    fields = {"NOTIFY_SOCKET": systemd.address}
    return fields | ({"WATCHDOG_USEC": str(int(watchdog * 1e6))} if watchdog else {})


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
