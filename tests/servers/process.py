"""Private server processes: in a temporary folder, on free ports, gone with the tests."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
STARTUP_SECONDS = 20.0
GRACE_SECONDS = 1.0  # nothing the server still writes is wanted


class ServerUnavailable(Exception):
    """The server's packages are not here and cannot be had."""


class ServerFailed(Exception):
    """The server is here, but does not do what it should."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a server runs as."""

    name: str
    uid: int
    gid: int


def unprivileged_owner() -> Owner:
    """Give ``nobody`` to root, and everyone else themselves."""
    entry = pwd.getpwuid(os.geteuid()) if os.geteuid() else pwd.getpwnam("nobody")
    return Owner(entry.pw_name, entry.pw_uid, entry.pw_gid)


def run(
    arguments: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stdin: bytes = b"",
    accept: Sequence[int] = (0,),
) -> str:
    """Run a short command to its end and give its output."""
    try:
        done = subprocess.run(
            arguments,
            input=stdin,
            env=environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
    except FileNotFoundError as error:
        raise ServerUnavailable(f"no such command: {error.filename}") from error
    output = done.stdout.decode(errors="replace")
    if done.returncode not in accept:
        command = " ".join(map(str, arguments[:4]))
        raise ServerFailed(f"{command}: exit {done.returncode}: {output.strip()[-2000:]}")
    return output


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]


class MailServer:
    """A server on loopback. Subclasses say how it is configured and launched."""

    greetings: Mapping[str, bytes] = {"imap": b"* OK", "pop3": b"+OK"}
    services: Sequence[str] = ("imap", "pop3")

    def __init__(self) -> None:
        self.owner = unprivileged_owner()
        self.users: dict[str, str] = {}
        self.ports: dict[str, int] = {}
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        # A short path: Courier's socket path may have at most 30 octets.
        self.folder = Path(tempfile.mkdtemp(prefix="mv", dir="/tmp"))
        try:
            self.folder.chmod(0o755)
            self.give_to_owner(self.folder)
            self._configure()
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._remove()

    def add_user(self, user: str, password: str) -> None:
        raise NotImplementedError

    def start(self) -> None:
        for attempt in range(3):  # another process may take a port that was free
            self.ports = dict(zip(self.services, free_ports(len(self.services)), strict=True))
            try:
                self._launch()
                self._wait_for_greetings()
            except ServerFailed:
                self.stop()
                if attempt == 2:
                    raise
            else:
                return

    def stop(self) -> None:
        while self._processes:
            _end(self._processes.pop())

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def give_to_owner(self, *paths: Path) -> None:
        if os.geteuid() == 0:
            for path in paths:
                os.chown(path, self.owner.uid, self.owner.gid)

    def _remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configure(self) -> None:
        raise NotImplementedError

    def _launch(self) -> None:
        raise NotImplementedError

    def _spawn(self, arguments: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        as_root = os.geteuid() == 0
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [*_dies_with_us(), *arguments],
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self.owner.uid if as_root else None,
                group=self.owner.gid if as_root else None,
                extra_groups=[] if as_root else None,
            )
        self._processes.append(process)

    def _wait_for_greetings(self) -> None:
        end = time.monotonic() + STARTUP_SECONDS
        for service, greeting in self.greetings.items():
            while not _greets(self.ports[service], greeting):
                if self._processes[-1].poll() is not None or time.monotonic() > end:
                    raise ServerFailed(f"{service} does not answer\n{self.log()}")
                time.sleep(0.02)


def _dies_with_us() -> list[str]:
    """The words that end a process when the thread that started it ends, even by SIGKILL."""
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return []
    return [setpriv, "--pdeathsig", "TERM", "--"]


def _greets(port: int, greeting: bytes) -> bool:
    try:
        with socket.create_connection((HOST, port), 2) as connection:
            if not connection.recv(4096).startswith(greeting):
                return False
            connection.sendall(b"QUIT\r\n" if greeting == b"+OK" else b"x LOGOUT\r\n")
            while connection.recv(4096):
                pass
    except OSError:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads its own session, and what it left behind."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
