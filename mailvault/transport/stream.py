"""A byte stream to a server: TCP, TLS and compression, with a deadline on every wait.

Foreign errors of sockets and TLS are translated here, once.
"""

import contextlib
import socket
import ssl
from types import TracebackType

from mailvault.errors import ConnectionLost, TlsRefused
from mailvault.transport import sockets, tls
from mailvault.transport.deflate import Deflation
from mailvault.transport.endpoint import Endpoint, TlsMode
from mailvault.transport.pace import Pace

RECEIVE = 1 << 18


class Stream:
    """An open connection. A context manager: leaving it closes the socket."""

    def __init__(self, endpoint: Endpoint, sock: socket.socket) -> None:
        self.endpoint = endpoint
        self.is_loopback = sockets.is_loopback(sock)
        self.pace = Pace(str(endpoint), endpoint.timeouts)
        self._socket: socket.socket | ssl.SSLSocket = sock
        self._deflation: Deflation | None = None
        self._peeked = b""
        self._timeout: float | None = None
        self._is_broken = False

    @classmethod
    def connect(cls, endpoint: Endpoint) -> "Stream":
        """Connect, and with implicit TLS be private already.

        Raises:
            ConnectionLost: the server could not be reached.
            TlsRefused: it could be, but not in private.
        """
        return cls.over(endpoint, sockets.connect(endpoint))

    @classmethod
    def over(cls, endpoint: Endpoint, sock: socket.socket) -> "Stream":
        """Take a TCP connection over. Raises as `connect` does."""
        if endpoint.tls is TlsMode.IMPLICIT:
            return cls(endpoint, tls.wrap(sock, endpoint))
        stream = cls(endpoint, sock)
        if endpoint.tls is TlsMode.NONE and not stream.may_carry_secrets:
            stream.close()
            raise TlsRefused(
                f'{endpoint} is not this machine, and tls = "none" would show everybody'
                " on the way the password and the mail",
                hint='use tls = "implicit" or "starttls"; insecure = true accepts the risk',
            )
        return stream

    def __enter__(self) -> "Stream":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def is_private(self) -> bool:
        return isinstance(self._socket, ssl.SSLSocket)

    @property
    def may_carry_secrets(self) -> bool:
        return self.is_private or (
            self.endpoint.tls is TlsMode.NONE and (self.is_loopback or self.endpoint.insecure)
        )

    @property
    def is_compressed(self) -> bool:
        return self._deflation is not None

    @property
    def is_broken(self) -> bool:
        """Whether a failure was met, so that not even a farewell makes sense."""
        return self._is_broken

    def start_tls(self) -> None:
        """Make the connection private now.

        Raises:
            TlsRefused: something was said after the server agreed and before the handshake,
                which only somebody in the middle does; or the handshake failed.
        """
        self._refuse_early_octets()
        self._is_broken = True  # until proven otherwise: `wrap` closes what it refuses
        self._socket = tls.wrap(self._socket, self.endpoint)
        self._is_broken = False
        self._timeout = None

    def _refuse_early_octets(self) -> None:
        self._socket.setblocking(False)
        try:
            if self._socket.recv(1, socket.MSG_PEEK):
                raise injected(self.endpoint)
        except BlockingIOError:
            return
        except OSError as error:
            raise self._lost(error, 0) from error

    def start_deflate(self, early: bytes = b"") -> None:
        """Compress both directions from here on; `early` came behind the server's consent."""
        self._deflation = Deflation()
        self._deflation.feed(early)

    def send(self, data: bytes) -> None:
        """Send all of it within one deadline for each MiB."""
        if self._deflation is not None:
            data = self._deflation.deflate(data)
        view = memoryview(data)
        try:
            for start in range(0, len(view), 1 << 20):
                self._limit(self.endpoint.timeouts.command)
                self._socket.sendall(view[start : start + (1 << 20)])
        except OSError as error:
            raise self._lost(error, self.endpoint.timeouts.command) from error

    def receive(self, timeout: float) -> bytes:
        """Return the next octets, at least one.

        Raises:
            ConnectionLost: nothing came in time, too little for too long, or the end.
        """
        if self._peeked:
            piece, self._peeked = self._peeked, b""
            return piece
        while self._deflation is not None:
            if piece := self._deflation.inflated():
                return piece
            self._deflation.feed(self._receive(timeout))
        return self._receive(timeout)

    def _receive(self, timeout: float) -> bytes:
        self.pace.start()
        try:
            self._limit(timeout)
            data = self._socket.recv(RECEIVE)
        except OSError as error:
            raise self._lost(error, timeout) from error
        if not data:
            self._is_broken = True
            raise ConnectionLost(f"{self.endpoint} closed the connection")
        try:
            self.pace.stop(len(data))
        except ConnectionLost:
            self._is_broken = True
            raise
        if self.endpoint.allowance is not None:
            self.endpoint.allowance.count(len(data))
        return data

    def _limit(self, timeout: float) -> None:
        if timeout != self._timeout:
            self._socket.settimeout(timeout)
            self._timeout = timeout

    def wait(self, timeout: float) -> bool:
        """Whether anything came within `timeout` seconds. Reads nothing."""
        if self._deflation is not None and not self._peeked:
            self._peeked = self._deflation.inflated()
        if self._peeked:
            return True
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        return sockets.is_readable(self._socket, timeout)

    def interrupt(self) -> None:
        """End the connection under whoever reads from it, from any thread."""
        self._is_broken = True
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown, which pulls TLS away from under a read.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket. Idempotent, and never waits."""
        self._is_broken = True
        with contextlib.suppress(OSError):
            self._socket.close()

    def _lost(self, error: OSError, timeout: float) -> ConnectionLost:
        self._is_broken = True
        if isinstance(error, TimeoutError):
            return ConnectionLost(f"{self.endpoint} was silent for {timeout:g} s")
        if isinstance(error, ssl.SSLError):
            return ConnectionLost(f"{self.endpoint} broke off TLS: {error.reason or 'unknown'}")
        return ConnectionLost(f"{self.endpoint} went away: {error.strerror or error}")


def injected(endpoint: Endpoint) -> TlsRefused:
    """Somebody spoke between STARTTLS and the handshake: NO STARTTLS, USENIX Security 2021."""
    return TlsRefused(
        f"{endpoint} sent something between its consent to STARTTLS and the handshake",
        hint='somebody may be meddling with the connection; use tls = "implicit"',
    )
