import socket
import ssl
import threading
import time
import zlib
from pathlib import Path

import pytest

from mailvault.errors import (
    ConfigurationError,
    ConnectionLost,
    MailvaultError,
    ProtocolViolation,
    TlsRefused,
)
from mailvault.transport import tls
from mailvault.transport.endpoint import Endpoint, Timeouts, TlsMode
from mailvault.transport.pace import Pace
from mailvault.transport.stream import Stream
from tests.servers.certificates import LOOPBACK_NAMES, Authority
from tests.unit.transport.scripted import HOST, Peer, ScriptedServer, server_context

QUICK = Timeouts(connect=2, tls=0.4, greeting=0.4, command=0.4)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def context(authority: Authority) -> ssl.SSLContext:
    return server_context(authority.certify(*LOOPBACK_NAMES))


def private(
    server: ScriptedServer, authority: Authority | None, *, pin: str | None = None
) -> Endpoint:
    ca_file = authority.ca_file if authority else None
    return Endpoint(HOST, server.port, ca_file=ca_file, tls_fingerprint=pin, timeouts=QUICK)


def plain(server: ScriptedServer, timeouts: Timeouts = QUICK) -> Endpoint:
    return Endpoint(HOST, server.port, TlsMode.NONE, timeouts=timeouts)


def say_hello(peer: Peer) -> None:
    peer.say(b"hello")
    peer.wait_for_end()


def say_nothing(peer: Peer) -> None:
    peer.wait_for_end()


def in_private(context: ssl.SSLContext, octets: bytes = b"hello") -> ScriptedServer:
    def script(peer: Peer) -> None:
        peer.start_tls(context)
        peer.say(octets)
        peer.wait_for_end()

    return ScriptedServer(script)


def test_octets_travel_both_ways_in_private(
    authority: Authority, context: ssl.SSLContext
) -> None:
    def echo(peer: Peer) -> None:
        peer.start_tls(context)
        peer.say(peer.line() + b"!")

    with ScriptedServer(echo) as server, Stream.connect(private(server, authority)) as stream:
        stream.send(b"hello\r\n")

        assert stream.receive(2) == b"hello!"
        assert stream.is_private
        with pytest.raises(ConnectionLost, match="closed the connection"):
            stream.receive(2)


def test_a_silent_server_is_left_at_the_deadline() -> None:
    with ScriptedServer(say_nothing) as server, Stream.connect(plain(server)) as stream:
        started = time.monotonic()

        with pytest.raises(ConnectionLost, match=r"was silent for 0\.2 s"):
            stream.receive(0.2)

        assert time.monotonic() - started < 1
        assert stream.is_broken


def test_a_server_that_takes_nothing_is_left_at_the_deadline() -> None:
    done = threading.Event()

    def deaf(_peer: Peer) -> None:
        done.wait(10)

    with ScriptedServer(deaf) as server, Stream.connect(plain(server)) as stream:
        with pytest.raises(ConnectionLost, match="silent"):
            stream.send(bytes(64 << 20))
        done.set()


def test_a_reset_is_a_lost_connection() -> None:
    def reset(peer: Peer) -> None:
        peer.line()
        peer.reset()

    with ScriptedServer(reset) as server, Stream.connect(plain(server)) as stream:
        stream.send(b"hello\r\n")

        with pytest.raises(ConnectionLost):
            stream.receive(2)


def test_a_reader_is_told_when_another_thread_interrupts(
    authority: Authority, context: ssl.SSLContext
) -> None:
    with (
        in_private(context, b"hello") as server,
        Stream.connect(private(server, authority)) as stream,
    ):
        stream.receive(2)
        killer = threading.Timer(0.1, stream.interrupt)
        killer.start()

        with pytest.raises(ConnectionLost):
            stream.receive(10)

        killer.join()


def test_a_dripping_server_is_too_slow() -> None:
    def drip(peer: Peer) -> None:
        while True:
            peer.say(b"x")
            threading.Event().wait(0.02)

    timeouts = Timeouts(command=1, minimum_rate=1000, rate_window=0.2)
    with (
        ScriptedServer(drip) as server,
        Stream.connect(plain(server, timeouts)) as stream,
        pytest.raises(ConnectionLost, match="unfinished response"),
    ):
        drain(stream)


def drain(stream: Stream) -> None:
    while True:
        stream.receive(1)


class HandClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def wait(pace: Pace, clock: HandClock, seconds: float, octets: int, times: int = 1) -> None:
    for _ in range(times):
        pace.start()
        clock.now += seconds
        pace.stop(octets)


def test_ten_octets_a_second_inside_a_body_end_within_two_minutes_and_a_half() -> None:
    clock = HandClock()
    pace = Pace("server", Timeouts(), clock)

    with pytest.raises(ConnectionLost):
        wait(pace, clock, 1, 10, times=150)


def test_thinking_long_before_each_response_is_no_drip() -> None:
    clock = HandClock()
    pace = Pace("server", Timeouts(), clock)

    for _ in range(100):
        wait(pace, clock, 50, 30)
        pace.response_came()
        pace.answer_came()


def say_still_here(pace: Pace, clock: HandClock, times: int) -> None:
    for _ in range(times):
        wait(pace, clock, 15, 22)
        pace.response_came()


def test_a_server_may_say_still_here_for_half_an_hour_but_not_for_ever() -> None:
    clock = HandClock()
    pace = Pace("server", Timeouts(), clock)

    say_still_here(pace, clock, times=119)
    with pytest.raises(ConnectionLost, match="without answering"):
        say_still_here(pace, clock, times=1)


def test_time_spent_elsewhere_is_not_the_servers_fault() -> None:
    clock = HandClock()
    pace = Pace("server", Timeouts(), clock)

    for _ in range(10):
        clock.now += 600
        wait(pace, clock, 1, 10)


def failure(endpoint: Endpoint) -> MailvaultError:
    with pytest.raises(MailvaultError) as caught:
        Stream.connect(endpoint).close()
    return caught.value


def test_tls_to_a_plain_port_says_so(authority: Authority) -> None:
    with ScriptedServer(say_hello) as server:
        error = failure(private(server, authority))

    assert isinstance(error, TlsRefused)
    assert "does not speak TLS" in str(error)
    assert "starttls" in (error.hint or "")


def test_a_handshake_that_never_ends_is_left_at_its_deadline(authority: Authority) -> None:
    with ScriptedServer(say_nothing) as server:
        started = time.monotonic()
        error = failure(private(server, authority))

    assert time.monotonic() - started < 2
    assert isinstance(error, ConnectionLost)
    assert "TLS handshake in 0.4 s" in str(error)


def test_a_handshake_that_is_cut_off_may_be_tried_again(authority: Authority) -> None:
    with ScriptedServer(lambda peer: None) as server:
        error = failure(private(server, authority))

    assert isinstance(error, ConnectionLost)


class FarSocket(socket.socket):
    """A connection that seems to go to another machine."""

    def getpeername(self) -> tuple[str, int]:
        return ("192.0.2.7", 143)


def over_a_far_socket(server: ScriptedServer, *, insecure: bool = False) -> Stream:
    sock = FarSocket()
    sock.connect((HOST, server.port))
    endpoint = Endpoint("mail.example", 143, TlsMode.NONE, insecure=insecure, timeouts=QUICK)
    return Stream.over(endpoint, sock)


def test_plain_text_does_not_leave_the_machine() -> None:
    with (
        ScriptedServer(say_hello) as server,
        pytest.raises(TlsRefused, match="is not this machine") as caught,
    ):
        over_a_far_socket(server)

    assert "insecure = true" in (caught.value.hint or "")
    assert server.heard == b""


def test_plain_text_leaves_the_machine_for_those_who_insist() -> None:
    with (
        ScriptedServer(say_hello) as server,
        over_a_far_socket(server, insecure=True) as stream,
    ):
        assert stream.may_carry_secrets


def test_starttls_may_carry_no_secrets_before_tls() -> None:
    with ScriptedServer(say_hello) as server:
        endpoint = Endpoint(HOST, server.port, TlsMode.STARTTLS, insecure=True, timeouts=QUICK)
        with Stream.connect(endpoint) as stream:
            assert not stream.may_carry_secrets


def test_a_pinned_certificate_needs_no_authority(
    authority: Authority, context: ssl.SSLContext
) -> None:
    der = ssl.PEM_cert_to_DER_cert((authority.folder / "server.pem").read_text())
    pin = tls.fingerprint(der)
    with in_private(context) as server:
        endpoint = private(server, None, pin=pin.upper())
        with Stream.connect(endpoint) as stream:
            assert stream.receive(2) == b"hello"


@pytest.mark.parametrize("with_authority", [True, False])
def test_a_changed_certificate_is_refused_even_with_a_valid_authority(
    authority: Authority, context: ssl.SSLContext, with_authority: bool
) -> None:
    trusted = authority if with_authority else None
    with in_private(context) as server:
        endpoint = private(server, trusted, pin="sha256:" + "00" * 32)
        error = failure(endpoint)

    assert isinstance(error, TlsRefused)
    assert "another certificate than the pinned one" in str(error)
    assert server.heard == b""


def test_a_pin_is_taken_as_openssl_prints_it(
    authority: Authority, context: ssl.SSLContext
) -> None:
    der = ssl.PEM_cert_to_DER_cert((authority.folder / "server.pem").read_text())
    digits = tls.fingerprint(der).removeprefix("sha256:").upper()
    pairs = ":".join(digits[n : n + 2] for n in range(0, 64, 2))
    with (
        in_private(context) as server,
        Stream.connect(private(server, authority, pin=f"sha256:{pairs}")) as stream,
    ):
        assert stream.is_private


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_useless_ca_file_is_a_mistake_of_configuration(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with ScriptedServer(say_hello) as server:
        error = failure(Endpoint(HOST, server.port, ca_file=path, timeouts=QUICK))

    assert isinstance(error, ConfigurationError)
    assert str(path) in str(error)


def deflated(data: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-15)
    return squeezer.compress(data) + squeezer.flush(zlib.Z_SYNC_FLUSH)


def test_a_compressed_stream_is_inflated_also_what_came_early() -> None:
    data = deflated(b"first" * 100_000) + b""

    def script(peer: Peer) -> None:
        peer.line()
        peer.say(data[10:])
        peer.wait_for_end()

    with ScriptedServer(script) as server, Stream.connect(plain(server)) as stream:
        stream.send(b"go\r\n")
        stream.start_deflate(data[:10])
        came = b""
        while len(came) < 500_000:
            came += stream.receive(2)

    assert came == b"first" * 100_000


def test_damaged_compressed_data_is_a_violation() -> None:
    with ScriptedServer(say_hello) as server, Stream.connect(plain(server)) as stream:
        stream.start_deflate()

        with pytest.raises(ProtocolViolation):
            stream.receive(2)
