"""Servers that say what a script says, to one connection after the other."""

import contextlib
import select
import socket
import ssl
import threading
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.servers.certificates import Certificate

HOST = "127.0.0.1"


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, heard: bytearray) -> None:
        self._socket = sock
        self._heard = heard
        self._unread = b""
        self.piece = 0  # say so many octets at a time; 0: all at once
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def say(self, octets: bytes) -> None:
        piece = self.piece or len(octets)
        for start in range(0, len(octets), piece or 1):
            self._socket.sendall(octets[start : start + piece])

    def line(self) -> bytes:
        """The next line of the client, without its end. Raises EOFError when it is gone."""
        while b"\r\n" not in self._unread:
            self._unread += self._receive()
        line, _, self._unread = self._unread.partition(b"\r\n")
        return line

    def answer(self, octets: bytes) -> bytes:
        """Read a command, say the octets with ``TAG`` replaced by its tag; give the line."""
        line = self.line()
        self.say(octets.replace(b"TAG", line.partition(b" ")[0]))
        return line

    def hear(self) -> None:
        """Wait until the client says anything more."""
        self._unread += self._receive()

    def is_gone(self, seconds: float) -> bool:
        """Whether the client goes away within so many seconds, or says anything."""
        return bool(select.select([self._socket], [], [], seconds)[0])

    def wait_for_end(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._receive()

    def start_tls(self, context: ssl.SSLContext) -> None:
        try:
            self._socket = context.wrap_socket(self._socket, server_side=True)
        except OSError as error:
            # Python leaves the new socket open where the other end is gone already.
            for frame, _ in traceback.walk_tb(error.__traceback__):
                left_open = frame.f_locals.get("self")
                if isinstance(left_open, ssl.SSLSocket):
                    left_open.close()
            raise

    def reset(self) -> None:
        """End the connection the hard way."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def hang_up(self) -> None:
        """End the connection under whoever uses it, from any thread."""
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown, which pulls TLS away from under a read.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise EOFError
        self._heard += data
        return data


Script = Callable[[Peer], None]


class ScriptedServer:
    """Listens on loopback and plays the script to everybody; `heard` is what clients said."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.heard = bytearray()
        self.connections = 0
        self._peers: list[Peer] = []
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._peers:
            peer.hang_up()
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                self._play(sock)

    def _play(self, sock: socket.socket) -> None:
        peer = Peer(sock, self.heard)
        self._peers.append(peer)
        with contextlib.suppress(OSError, EOFError):  # the client went away, as it may
            self._script(peer)
        peer.close()
        sock.close()


def server_context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate_file, certificate.key_file)
    return context
