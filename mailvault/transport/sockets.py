"""Reaching a server by whichever of its addresses answers first."""

import contextlib
import errno
import ipaddress
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailvault.errors import ConnectionLost
from mailvault.transport.endpoint import Endpoint
from mailvault.transport.printable import printable

# RFC 8305 5: how long one address may be alone before the next one is tried beside it.
ATTEMPT_DELAY = 0.25

_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


Resolver = Callable[[str, int], "list[Address]"]


def connect(endpoint: Endpoint, resolver: Resolver | None = None) -> socket.socket:
    """Open a TCP connection to the first address of either family that answers.

    Raises:
        ConnectionLost: there is no such host, or it does not answer.
    """
    deadline = time.monotonic() + endpoint.timeouts.connect
    addresses = _interleaved(_resolve(endpoint, resolver or system_resolver))
    sock = _race(endpoint, addresses, deadline)
    sock.settimeout(endpoint.timeouts.command)
    _tune(sock)
    return sock


def is_loopback(sock: socket.socket) -> bool:
    """Whether the other end is this very machine."""
    try:
        name = sock.getpeername()
    except OSError:  # gone already; the first read will say so
        return False
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return sock.family == socket.AF_UNIX
    address = ipaddress.ip_address(name[0].partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


@dataclass(frozen=True, slots=True)
class Address:
    """Where a connection may be tried; `name` is what `socket.connect` takes."""

    family: int
    name: tuple[str, int] | tuple[str, int, int, int]


def system_resolver(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # mypy knows a third shape, which only a Python without IPv6 returns.
    return [Address(family, name) for family, _, _, _, name in found]  # type: ignore[arg-type]


def _resolve(endpoint: Endpoint, resolver: Resolver) -> list[Address]:
    """Look the host up. getaddrinfo knows no deadline, so it waits in a thread of its own."""
    answers: queue.Queue[list[Address] | Exception] = queue.Queue()

    def ask() -> None:
        try:
            answers.put(resolver(endpoint.host, endpoint.port))
        except (OSError, ValueError) as error:  # UnicodeError: a name DNS cannot carry
            answers.put(error)

    threading.Thread(target=ask, daemon=True, name=f"resolve {endpoint.host}").start()
    try:
        answer = answers.get(timeout=endpoint.timeouts.connect)
    except queue.Empty:
        raise ConnectionLost(
            f"{endpoint.host} could not be looked up in {endpoint.timeouts.connect:g} s",
            hint="check the network and its name server",
        ) from None
    if isinstance(answer, list) and answer:
        return answer
    raise ConnectionLost(
        f"there is no host named {printable(endpoint.host)}",
        hint="check the spelling of host, and that this machine has a network",
    ) from (answer if isinstance(answer, Exception) else None)


def _interleaved(addresses: Sequence[Address]) -> list[Address]:
    """Alternate the families, the resolver's favourite first (RFC 8305 4)."""
    favourite = addresses[0].family
    first = [address for address in addresses if address.family == favourite]
    other = [address for address in addresses if address.family != favourite]
    mixed: list[Address] = []
    while first or other:
        mixed += first[:1] + other[:1]
        first, other = first[1:], other[1:]
    return mixed


def _race(endpoint: Endpoint, addresses: list[Address], deadline: float) -> socket.socket:
    waiting = list(addresses)
    problems: list[OSError] = []
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as losers:
        next_start = 0.0
        while time.monotonic() < deadline and (waiting or selector.get_map()):
            if waiting and (time.monotonic() >= next_start or not selector.get_map()):
                _start(waiting.pop(0), selector, losers, problems)
                next_start = time.monotonic() + ATTEMPT_DELAY
            until = min(deadline, next_start) if waiting else deadline
            for key, _ in selector.select(max(0.0, until - time.monotonic())):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                selector.unregister(sock)
                if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    problems.append(OSError(code, errno.errorcode.get(code, "")))
                    next_start = 0.0
                else:
                    return _kept(sock, losers)
    raise _unreachable(endpoint, problems)


def _start(
    address: Address,
    selector: selectors.BaseSelector,
    losers: contextlib.ExitStack,
    problems: list[OSError],
) -> None:
    try:
        sock = losers.enter_context(socket.socket(address.family, socket.SOCK_STREAM))
        sock.setblocking(False)
        code = sock.connect_ex(address.name)
    except OSError as error:
        problems.append(error)
        return
    if code in (0, errno.EINPROGRESS):
        selector.register(sock, selectors.EVENT_WRITE)
    else:
        problems.append(OSError(code, errno.errorcode.get(code, "")))


def _kept(sock: socket.socket, losers: contextlib.ExitStack) -> socket.socket:
    winner = socket.socket(fileno=sock.detach())  # closing a detached socket does nothing
    losers.close()
    return winner


def _unreachable(endpoint: Endpoint, problems: list[OSError]) -> ConnectionLost:
    codes = [problem.errno for problem in problems]
    if errno.ECONNREFUSED in codes:
        error = ConnectionLost(
            f"{endpoint} refused the connection: nothing listens there",
            hint="check host and port: 993 is IMAP with TLS, 143 without or with STARTTLS",
        )
    elif codes:
        error = ConnectionLost(
            f"{endpoint} cannot be reached: {errno.errorcode.get(codes[-1] or 0, 'no route')}",
            hint="check the network, a VPN or a firewall",
        )
    else:
        error = ConnectionLost(
            f"{endpoint} did not answer in {endpoint.timeouts.connect:g} s",
            hint="check host and port; a firewall may drop the packets",
        )
    if problems:
        error.__cause__ = problems[-1]
    return error


def _tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, seconds in _KEEPALIVE:
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: unacknowledged data gives up, too
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000)


def is_readable(sock: socket.socket, timeout: float) -> bool:
    """Whether something (or the end) arrived within `timeout` seconds."""
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(timeout))
