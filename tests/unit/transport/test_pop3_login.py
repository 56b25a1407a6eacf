"""Logging in over POP3: every way, and never where somebody may listen."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mailvault.errors import LoginRefused, ProtocolViolation, ServerBusy, TlsRefused
from mailvault.transport import sasl
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.pop3 import Pop3Client
from tests.servers.certificates import LOOPBACK_NAMES, Authority
from tests.unit.transport.imap_server import QUICK
from tests.unit.transport.pop3_server import CAPA, GREETING, pop3, serve, upgrading
from tests.unit.transport.scripted import HOST, Peer, ScriptedServer, server_context

PASSWORD = "canary-7b1f"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("authority"))


def connect(
    server: ScriptedServer,
    mechanism: str = "auto",
    tls: TlsMode = TlsMode.NONE,
    *,
    ca_file: Path | None = None,
) -> Pop3Client:
    endpoint = Endpoint(HOST, server.port, tls, ca_file=ca_file, timeouts=QUICK)
    return Pop3Client.connect(endpoint, Login("tim", lambda: PASSWORD, mechanism), None)


def heard(server: ScriptedServer) -> list[bytes]:
    return bytes(server.heard).split(b"\r\n")[:-1]


def test_apop_signs_the_timestamp() -> None:
    with pop3({}) as server:
        connect(server, "apop").abort()

    proof = b"APOP tim " + b"".join(
        line.split()[-1] for line in heard(server) if line.startswith(b"APOP")
    )
    assert proof in heard(server)
    assert PASSWORD.encode() not in server.heard


def test_apop_needs_a_timestamp() -> None:
    with (
        pop3({}, b"+OK ready\r\n") as server,
        pytest.raises(LoginRefused, match="no timestamp"),
    ):
        connect(server, "apop")

    assert not [line for line in heard(server) if line.startswith((b"APOP", b"USER"))]


def test_apop_is_never_chosen_by_itself() -> None:
    with pop3({}) as server:
        connect(server).abort()

    assert b"PASS " + PASSWORD.encode() in heard(server)


@pytest.mark.parametrize("password", ["", "pässwörd", " with  blanks "])
@pytest.mark.parametrize("mechanism", ["auto", "apop"])
def test_a_login_without_sasl_carries_any_password(password: str, mechanism: str) -> None:
    with pop3({}) as server:
        endpoint = Endpoint(HOST, server.port, TlsMode.NONE, timeouts=QUICK)
        Pop3Client.connect(endpoint, Login("tim", lambda: password, mechanism), None).abort()

    signed = GREETING.split()[-1] + password.encode()
    proof = hashlib.md5(signed).hexdigest().encode()
    expected = b"PASS " + password.encode() if mechanism == "auto" else b"APOP tim " + proof
    assert expected in heard(server)


def test_sasl_is_preferred_where_it_is_offered() -> None:
    with pop3({b"CAPA": b"+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n"}) as server:
        connect(server).abort()

    initial = base64.b64encode(b"\0tim\0" + PASSWORD.encode())
    assert b"AUTH PLAIN " + initial in heard(server)


def test_the_mechanism_of_two_questions_is_answered() -> None:
    def script(peer: Peer) -> None:
        peer.say(GREETING)
        for answer in (
            b"+OK\r\nSASL LOGIN\r\n.\r\n",
            b"+ VXNlcm5hbWU6\r\n",
            b"+ UGFzc3dvcmQ6\r\n",
            b"+OK\r\n",
            b"+OK\r\nUIDL\r\n.\r\n",
        ):
            peer.line()
            peer.say(answer)

    with ScriptedServer(script) as server:
        connect(server).abort()

    assert base64.b64encode(PASSWORD.encode()) in heard(server)


class Token:
    """A mechanism with a first response too long for a command line."""

    name = "XOAUTH2"
    is_proven = True
    initial = b"x" * 600

    def respond(self, _challenge: bytes, /) -> bytes:
        return b""


@pytest.mark.parametrize("answer", [b"+ \r\n", b"-ERR what?\r\n"], ids=["two", "one"])
def test_a_long_token_goes_in_two_steps_or_in_one(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = base64.b64encode(Token.initial)

    def script(peer: Peer) -> None:
        peer.say(GREETING)
        peer.line()
        peer.say(b"+OK\r\nSASL XOAUTH2\r\n.\r\n")
        assert peer.line() == b"AUTH XOAUTH2"
        peer.say(answer)
        serve(peer, {})

    monkeypatch.setattr(sasl, "choose", lambda *_, **__: Token())
    with ScriptedServer(script) as server:
        connect(server).abort()

    expected = token if answer.startswith(b"+") else b"AUTH XOAUTH2 " + token
    assert expected in heard(server)


def test_utf8_is_said_before_the_name_where_it_is_offered() -> None:
    with pop3({b"CAPA": b"+OK\r\nUSER\r\nUTF8\r\n.\r\n"}) as server:
        connect(server).abort()

    lines = heard(server)
    assert lines.index(b"UTF8") < lines.index(b"USER tim")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"-ERR [AUTH] wrong\r\n", LoginRefused),
        (b"-ERR wrong\r\n", LoginRefused),
        (b"-ERR [IN-USE] another session\r\n", ServerBusy),
        (b"-ERR [LOGIN-DELAY] 15 minutes\r\n", ServerBusy),
        (b"-ERR [SYS/TEMP] later\r\n", ServerBusy),
    ],
    ids=["auth", "plain", "in use", "delay", "temporary"],
)
def test_a_refused_login_is_told_from_a_busy_server(
    answer: bytes, error: type[Exception]
) -> None:
    with pop3({b"PASS": answer}) as server, pytest.raises(error) as caught:
        connect(server)

    assert PASSWORD not in str(caught.value)
    assert len([line for line in heard(server) if line.startswith(b"PASS")]) == 1


def test_a_password_the_server_repeats_is_not_shown() -> None:
    refusal = b"-ERR not " + PASSWORD.encode() + b"\r\n"
    with pop3({b"PASS": refusal}) as server, pytest.raises(LoginRefused) as caught:
        connect(server)

    assert "***" in str(caught.value)


# STLS


@pytest.mark.parametrize(
    "replies",
    [{b"STLS": b"-ERR no\r\n"}, {b"STLS": b"-ERR [SYS/TEMP] no\r\n"}],
    ids=["stripped", "refused for now"],
)
def test_a_stripped_stls_ends_the_session(replies: Mapping[bytes, bytes]) -> None:
    with pop3(replies) as server, pytest.raises(TlsRefused) as caught:
        connect(server, tls=TlsMode.STARTTLS)

    assert caught.value.exit_code == 12
    assert heard(server) == [b"STLS"]


def test_no_secret_is_told_to_who_agrees_to_stls_and_starts_no_tls() -> None:
    def script(peer: Peer) -> None:
        peer.say(GREETING)
        peer.line()
        peer.say(b"+OK begin\r\n")
        peer.hear()
        peer.say(b"+OK\r\n" * 9)
        peer.wait_for_end()

    with ScriptedServer(script) as server, pytest.raises(TlsRefused):
        connect(server, tls=TlsMode.STARTTLS)

    assert server.heard.startswith(b"STLS\r\n\x16")
    assert PASSWORD.encode() not in server.heard


INJECTIONS = [
    b"+OK go\r\n" + injected
    for injected in (
        b"+", b"\r\n", b"+OK\r\n", b"-ERR\r\n", b"+OK\r\n+OK\r\n", b"+OK\r\nUSER\r\n.\r\n",
        b".", b"\0", b"x", b"+ \r\n", b"+ PDE+\r\n", b"* OK\r\n", b"\n", b"\r",
        b"+OK\r\nSASL LOGIN\r\n.\r\n+OK\r\n", b"+OK 1 100\r\n", b"\x16\x03\x01",
        b"\x15\x03\x03",
        b"+OK" * 100, b"-ERR [IN-USE]\r\n",
    )
]  # fmt: skip


@pytest.mark.parametrize("answer", INJECTIONS, ids=range(len(INJECTIONS)))
def test_octets_injected_before_tls_end_the_session(answer: bytes) -> None:
    with pop3({b"STLS": answer}) as server, pytest.raises(TlsRefused) as caught:
        connect(server, tls=TlsMode.STARTTLS)

    assert caught.value.exit_code == 12
    assert PASSWORD.encode() not in server.heard
    assert b"USER" not in server.heard


def test_nothing_that_was_said_before_tls_is_believed_after_it(authority: Authority) -> None:
    context = server_context(authority.certify(*LOOPBACK_NAMES))

    with ScriptedServer(upgrading(context)) as server:
        with pytest.raises(LoginRefused, match="came in private"):
            connect(server, "apop", TlsMode.STARTTLS, ca_file=authority.ca_file)
        client = connect(server, "auto", TlsMode.STARTTLS, ca_file=authority.ca_file)
        client.abort()

    assert client.greeting_text == ""


def test_a_server_that_says_something_else_is_no_pop3_server() -> None:
    with pop3({}, b"* OK imap\r\n") as server, pytest.raises(ProtocolViolation, match="greet"):
        connect(server)


def test_a_silent_answer_to_quit_is_not_waited_for_long() -> None:
    def hush(peer: Peer) -> None:
        peer.say(GREETING)
        while (line := peer.line()) != b"QUIT":
            peer.say(CAPA if line == b"CAPA" else b"+OK\r\n")
        peer.wait_for_end()

    run: Callable[[Peer], None] = hush
    with ScriptedServer(run) as server, connect(server):
        pass

    assert heard(server)[-1] == b"QUIT"
