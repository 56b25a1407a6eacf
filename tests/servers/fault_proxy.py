"""A wire that fails on purpose, between a client and a server on loopback.

What goes wrong is told in a `Fault`; a seeded test draws the place. Octets are counted from
the server to the client, over the whole life of one connection.
"""

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Self

from tests.servers.process import HOST

_DRIP_OCTETS = 10


class Kind(StrEnum):
    NONE = "none"
    CLOSE = "close"  # an orderly FIN
    RESET = "reset"
    STALL = "stall"  # nothing more is sent, the connection stays
    DRIP = "drip"  # a few octets a second
    SPLIT = "split"  # one octet for each segment


@dataclass(frozen=True, slots=True)
class Fault:
    kind: Kind = Kind.NONE
    at: int = 0
    """How many octets of the server's pass unharmed before the fault."""
    after: bytes = b""
    """What clients must have said before: until then everything passes unharmed."""


@dataclass(slots=True)
class Traffic:
    """What passed: ``sent`` by clients, and octets from the server."""

    sent: bytearray = field(default_factory=bytearray)
    received: int = 0
    connections: int = 0
    faults: int = 0
    """How many connections something went wrong with; not all live to see theirs."""

    @property
    def commands(self) -> list[str]:
        """The verbs of the IMAP commands that clients sent, UID FETCH as one."""
        found = re.findall(rb"^\S+ ((?:UID )?[A-Za-z]+)", bytes(self.sent), re.MULTILINE)
        return [verb.decode().upper() for verb in found]


class FaultProxy:
    """Passes connections on to ``port``. ``fault_of`` says how the n-th one fails."""

    def __init__(self, port: int, fault_of: Callable[[int], Fault] = lambda number: Fault()):
        self._target = port
        self._fault_of = fault_of
        self._lock = threading.Condition()
        self._ending = threading.Event()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.traffic = Traffic()

    def __enter__(self) -> Self:
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._begin(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        with self._lock:
            for one in self._open:
                _end(one)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def wait_for(self, is_so: Callable[[Traffic], bool], seconds: float = 0.05) -> bool:
        """Wait until ``is_so`` of the traffic, but no longer than ``seconds``."""
        with self._lock:
            return self._lock.wait_for(lambda: is_so(self.traffic), seconds)

    def _begin(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                fault = self._fault_of(self.traffic.connections)
                self.traffic.connections += 1
                self._lock.notify_all()
            self._begin(self._serve, client, fault)

    def _serve(self, client: socket.socket, fault: Fault) -> None:
        with client:
            try:
                server = socket.create_connection((HOST, self._target), 30)
            except OSError:
                return
            with server:
                with self._lock:
                    self._open += [client, server]
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                upwards = threading.Thread(target=self._upwards, args=(client, server))
                upwards.start()
                with contextlib.suppress(OSError):
                    self._downwards(server, client, fault)
                _end(server)
                _end(client, socket.SHUT_RD if fault.kind is Kind.RESET else socket.SHUT_RDWR)
                upwards.join()
                with self._lock:
                    self._open.remove(client)
                    self._open.remove(server)

    def _upwards(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                with self._lock:
                    self.traffic.sent += data
                server.sendall(data)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _downwards(self, server: socket.socket, client: socket.socket, fault: Fault) -> None:
        passed, is_harmed = 0, False
        while data := server.recv(262144):
            with self._lock:
                self.traffic.received += len(data)
                self._lock.notify_all()
            is_sound = fault.kind is Kind.NONE or fault.after not in self.traffic.sent
            unharmed = len(data) if is_sound else max(0, fault.at - passed)
            client.sendall(data[:unharmed])
            passed += len(data)
            if len(data) > unharmed and not is_harmed:
                is_harmed = True
                self._count_fault()
            if len(data) > unharmed and not self._fail(client, data[unharmed:], fault.kind):
                return

    def _count_fault(self) -> None:
        with self._lock:
            self.traffic.faults += 1

    def _fail(self, client: socket.socket, data: bytes, kind: Kind) -> bool:
        """Do the damage; tell whether the connection goes on."""
        match kind:
            case Kind.RESET:
                # socket(7): closing with linger 0 sends RST instead of FIN.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            case Kind.STALL:
                self._ending.wait()
                return False
            case Kind.DRIP:
                for start in range(0, len(data), _DRIP_OCTETS):
                    client.sendall(data[start : start + _DRIP_OCTETS])
                    if self._ending.wait(1):
                        return False
            case Kind.SPLIT:
                for octet in data:
                    client.sendall(bytes([octet]))
                    time.sleep(0)
        return kind is not Kind.CLOSE


def _end(one: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(how)
