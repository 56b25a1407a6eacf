"""Waits on loopback for the browser that comes back from the provider (RFC 8252 7.3)."""

import socket
import time
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from mailvault.errors import LoginRefused, ProtocolViolation
from mailvault.transport.printable import printable

WAIT_SECONDS = 600.0
LONGEST_REQUEST = 64 * 1024
PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Cache-Control: no-store\r\n\r\nmailvault has the answer. This window can be closed.\r\n"
)
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Loopback:
    """Listens where the redirect leads. A context manager: leaving it stops listening."""

    def __init__(self, redirect_uri: str) -> None:
        self._wanted = urlsplit(redirect_uri)

    def __enter__(self) -> Self:
        host = "::1" if self._wanted.hostname == "::1" else "127.0.0.1"
        family = socket.AF_INET6 if host == "::1" else socket.AF_INET
        self._socket = socket.create_server((host, self._wanted.port or 0), family=family)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    @property
    def redirect_uri(self) -> str:
        """The address of the redirect, with the port that is listened on."""
        name = f"[{self._wanted.hostname}]" if self._wanted.hostname == "::1" else ""
        host = name or self._wanted.hostname
        return f"http://{host}:{self._socket.getsockname()[1]}{self._wanted.path}"

    def answer(self) -> str:
        """Wait for the redirect and give its address.

        Raises:
            LoginRefused: nobody came back in time.
        """
        end = time.monotonic() + WAIT_SECONDS
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                connection, _ = self._socket.accept()
                with connection:
                    connection.settimeout(10.0)
                    target = _target(connection)
                    is_it = self._is_redirect(target)
                    connection.sendall(PAGE if is_it else NOT_FOUND)
            except OSError:  # a browser opens connections that it never uses
                continue
            if is_it:
                return target
        raise LoginRefused("nobody came back from the provider's page", hint="try again")

    def _is_redirect(self, target: str) -> bool:
        found = urlsplit(target)
        fields = parse_qs(found.query)
        has_answer = "state" in fields and ("code" in fields or "error" in fields)
        return found.path.rstrip("/") == self._wanted.path.rstrip("/") and has_answer


def code_in(address: str, state: str) -> str:
    """The code in an address that a browser was sent to.

    Raises:
        LoginRefused: the provider sent no code, or it belongs to another login.
    """
    fields = parse_qs(urlsplit(address.strip()).query)
    if error := fields.get("error", [""])[0]:
        raise LoginRefused(
            f"the provider did not allow it: {printable(error)}", hint="sign in and allow it"
        )
    if fields.get("state") != [state]:
        raise LoginRefused(
            "this is not the address that the login ended at",
            hint="copy the whole address of the page after signing in, from http:// on",
        )
    code = fields.get("code", [""])[0]
    if not code:
        raise ProtocolViolation("the provider's answer has no code")
    return code


def _target(connection: socket.socket) -> str:
    data = b""
    while b"\r\n\r\n" not in data and len(data) < LONGEST_REQUEST:
        piece = connection.recv(4096)
        if not piece:
            break
        data += piece
    words = data.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    return words[1] if len(words) == 3 and words[0] == "GET" else ""
