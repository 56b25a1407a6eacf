import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from mailvault.errors import ConnectionLost
from mailvault.transport import sockets
from mailvault.transport.endpoint import Endpoint, Timeouts
from mailvault.transport.sockets import Address
from tests.unit.transport.scripted import HOST, Peer, ScriptedServer


def greet(peer: Peer) -> None:
    peer.say(b"hello")
    peer.wait_for_end()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where a connection neither succeeds nor fails: its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((HOST, 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((HOST, port))
        yield port


def refusing_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def endpoint(port: int, host: str = HOST, *, connect: float = 5.0) -> Endpoint:
    return Endpoint(host, port, timeouts=Timeouts(connect=connect))


def ipv4(port: int) -> Address:
    return Address(socket.AF_INET, (HOST, port))


UNREACHABLE_IPV6 = Address(socket.AF_INET6, ("100::1", 143, 0, 0))  # RFC 6666: discarded


def test_an_address_that_never_answers_delays_the_next_one_only_a_little(
    silent_port: int,
) -> None:
    with ScriptedServer(greet) as server:
        started = time.monotonic()
        sock = sockets.connect(
            endpoint(server.port), lambda *_: [ipv4(silent_port), ipv4(server.port)]
        )
        with sock:
            assert sock.recv(5) == b"hello"
        assert time.monotonic() - started < 2


def test_an_unreachable_family_is_no_obstacle() -> None:
    with ScriptedServer(greet) as server:
        addresses = [UNREACHABLE_IPV6, ipv4(server.port)]
        with sockets.connect(endpoint(server.port), lambda *_: addresses) as sock:
            assert sock.recv(5) == b"hello"


def test_a_refused_address_gives_way_to_the_next_at_once() -> None:
    with ScriptedServer(greet) as server:
        addresses = [ipv4(refusing_port()), ipv4(server.port)]
        with sockets.connect(endpoint(server.port), lambda *_: addresses) as sock:
            assert sock.recv(5) == b"hello"


def test_nobody_waits_longer_for_a_connection_than_its_deadline(silent_port: int) -> None:
    started = time.monotonic()

    with pytest.raises(ConnectionLost, match=r"did not answer in 0\.3 s") as caught:
        sockets.connect(endpoint(silent_port, connect=0.3))

    assert time.monotonic() - started < 2
    assert "host and port" in (caught.value.hint or "")


def test_a_port_where_nothing_listens_is_called_so() -> None:
    with pytest.raises(ConnectionLost, match="nothing listens") as caught:
        sockets.connect(endpoint(refusing_port()))

    assert "993" in (caught.value.hint or "")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70, ""])
def test_a_host_that_does_not_exist_is_called_so(host: str) -> None:
    def nothing(_host: str, _port: int) -> list[Address]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    resolver = nothing if host.endswith(".invalid") or not host else sockets.system_resolver
    with pytest.raises(ConnectionLost, match="no host named") as caught:
        sockets.connect(endpoint(143, host), resolver)

    assert "spelling" in (caught.value.hint or "")


def test_a_name_server_that_never_answers_is_not_waited_for_longer_than_allowed() -> None:
    def slow(_host: str, _port: int) -> list[Address]:
        threading.Event().wait(1)
        return []

    with pytest.raises(ConnectionLost, match="could not be looked up"):
        sockets.connect(endpoint(143, connect=0.1), slow)


def test_connections_are_kept_alive_and_not_delayed() -> None:
    with (
        ScriptedServer(greet) as server,
        sockets.connect(endpoint(server.port)) as sock,
    ):
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sockets.is_loopback(sock)
