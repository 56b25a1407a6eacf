"""The demonstration server: sessions over sockets on loopback, and nowhere else."""

import contextlib
import logging
import socket
import threading
from collections.abc import Sequence
from typing import Self

from mailvault.demo.mailbox import ServedAccount
from mailvault.demo.session import EXTENSIONS, Session

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
MAX_CONNECTIONS = 16
IDLE_SECONDS = 120.0
RECEIVE_OCTETS = 65_536


class DemoServer:
    """Serves one account's mail over IMAP while the context is open.

    ``commands`` holds what clients asked, without tags; passwords in it are the demo's own.
    """

    def __init__(
        self,
        account: ServedAccount,
        *,
        extensions: Sequence[bytes] = EXTENSIONS,
        is_writable: bool = False,
    ) -> None:
        self.account = account
        self._is_writable = is_writable
        self.commands: list[bytes] = []
        self._extensions = extensions
        self._listener = socket.create_server((LOOPBACK, 0))
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        return LOOPBACK

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._start(self._accept, "demo-accept")
        return self

    def __exit__(self, *exception: object) -> None:
        # shutdown() wakes the thread that waits in accept(); close() alone does not on Linux.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            open_connections = list(self._connections)
            threads = list(self._threads)
        for connection in open_connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(timeout=5)

    def _start(self, target: object, name: str, *arguments: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
        self._threads = [known for known in self._threads if known.is_alive()] + [thread]
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # the listener was closed: the server stops
                return
            with self._lock:
                is_welcome = len(self._connections) < MAX_CONNECTIONS
                if is_welcome:
                    self._connections.add(connection)
                    self._start(self._serve, "demo-session", connection)
            if not is_welcome:
                with connection, contextlib.suppress(OSError):
                    connection.sendall(b"* BYE Too many connections\r\n")

    def _serve(self, connection: socket.socket) -> None:
        session = Session(
            self.account, extensions=self._extensions, is_writable=self._is_writable
        )
        session.commands = self.commands
        connection.settimeout(IDLE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection:
                _converse(connection, session)
        except OSError as error:
            log.debug("the client went away: %s", error)
        finally:
            with self._lock:
                self._connections.discard(connection)


def _converse(connection: socket.socket, session: Session) -> None:
    connection.sendall(session.greeting())
    while not session.is_over:
        data = connection.recv(RECEIVE_OCTETS)
        if not data:
            return
        _send(connection, session.receive(data))


def _send(connection: socket.socket, pieces: list[bytes]) -> None:
    """Send small pieces together and large ones as they are."""
    pending = bytearray()
    for piece in pieces:
        if len(piece) > RECEIVE_OCTETS:
            connection.sendall(pending)
            connection.sendall(piece)
            pending.clear()
        else:
            pending += piece
        if len(pending) > RECEIVE_OCTETS:
            connection.sendall(pending)
            pending.clear()
    connection.sendall(pending)
