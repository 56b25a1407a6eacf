"""XOAUTH2 and OAUTHBEARER: what is said, what a refusal logs, what never is shown."""

import base64
import logging
from collections.abc import Iterator

import pytest

from mailvault.errors import LoginRefused, ProtocolViolation, TlsRefused
from mailvault.transport.bearer import BearerMechanism, OAuthBearer, XOAuth2, described
from mailvault.transport.endpoint import Login
from mailvault.transport.imap import ImapClient
from mailvault.transport.sasl import choose
from tests.unit.transport.imap_server import loopback
from tests.unit.transport.scripted import Peer, ScriptedServer

CANARY = "kanarienvogel.4711-token"
CHALLENGE = b'{"status":"401","schemes":"bearer","scope":"mail.read"}'


def token() -> str:
    return CANARY


def test_xoauth2_says_what_its_providers_describe() -> None:
    said = XOAuth2(
        "someuser@example.com", lambda: "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29t"
    )

    assert base64.b64encode(said.initial) == (
        b"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52"
        b"YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0AQE="
    )


def test_oauthbearer_says_what_rfc_7628_says() -> None:
    said = OAuthBearer("user@example.com", lambda: "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")

    assert said.initial == (
        b"n,a=user@example.com,\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"
    )


def test_a_user_with_a_comma_stays_one_field() -> None:
    assert OAuthBearer("a=b,c", lambda: "t").initial.startswith(b"n,a=a=3Db=2Cc,\1")


@pytest.mark.parametrize(
    ("mechanism", "answer"), [(XOAuth2, b""), (OAuthBearer, b"\1")], ids=["xoauth2", "bearer"]
)
def test_an_error_challenge_is_acknowledged_once(
    mechanism: type[BearerMechanism], answer: bytes
) -> None:
    exchange = mechanism("tim", token)

    assert exchange.respond(CHALLENGE) == answer
    with pytest.raises(ProtocolViolation):
        exchange.respond(CHALLENGE)


@pytest.mark.parametrize("bad", ["", "two words", "line\r\nend", "\1auth=Bearer x", "tökén"])
def test_a_token_that_could_be_more_than_a_token_is_refused(bad: str) -> None:
    with pytest.raises(LoginRefused) as caught:
        _ = XOAuth2("tim", lambda: bad).initial

    assert not bad or bad not in str(caught.value)


def test_a_user_that_could_be_more_than_a_user_is_refused() -> None:
    with pytest.raises(LoginRefused):
        _ = XOAuth2("tim\1auth=Bearer x", token).initial


@pytest.mark.parametrize(
    ("challenge", "said"),
    [
        (CHALLENGE, "status 401, scope mail.read"),
        (
            b'{"status":"invalid_token","token":"' + CANARY.encode() + b'"}',
            "status invalid_token",
        ),
        (b'{"status":"\\u001b[2J"}', "status [2J"),
        (b"[" * 5000, "the server does not say why"),
        (b"\xff", "the server does not say why"),
        (b"", "the server does not say why"),
        (b"[1]", "the server does not say why"),
    ],
    ids=["rfc", "token", "escape", "deep", "no text", "nothing", "no object"],
)
def test_of_an_error_challenge_status_and_scope_are_told(challenge: bytes, said: str) -> None:
    assert described(challenge) == said


def test_auto_never_sends_a_password_as_a_token() -> None:
    with pytest.raises(LoginRefused):
        choose(
            Login("tim", token),
            ["XOAUTH2", "OAUTHBEARER"],
            is_private=True,
            may_carry_secrets=True,
            may_use_command=False,
        )


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_no_token_is_asked_for_or_sent_where_others_can_read_it(mechanism: str) -> None:
    def never_asked() -> str:
        raise AssertionError("the token was asked for too early")

    with pytest.raises(TlsRefused):
        choose(
            Login("tim", never_asked, mechanism),
            [mechanism.upper()],
            is_private=False,
            may_carry_secrets=False,
            may_use_command=True,
        )


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All that mailvault logs, even after a command of it set logging up."""
    ours = logging.getLogger("mailvault")
    caplog.set_level(logging.DEBUG, "mailvault")
    ours.addHandler(caplog.handler)
    yield caplog
    ours.removeHandler(caplog.handler)


@pytest.mark.parametrize(
    ("mechanism", "answer"), [("xoauth2", b""), ("oauthbearer", b"AQ==")], ids=["x", "bearer"]
)
@pytest.mark.parametrize("offers_initial", [True, False], ids=["at once", "in two steps"])
def test_a_refused_token_ends_the_session_without_showing_it(
    mechanism: str, answer: bytes, offers_initial: bool, logged: pytest.LogCaptureFixture
) -> None:
    said: list[bytes] = []

    def script(peer: Peer) -> None:
        offers = b"AUTH=XOAUTH2 AUTH=OAUTHBEARER" + b" SASL-IR" * offers_initial
        peer.say(b"* OK [CAPABILITY IMAP4rev1 " + offers + b"] ready\r\n")
        tag = peer.line().partition(b" ")[0]
        if not offers_initial:
            peer.say(b"+ \r\n")
            peer.line()
        peer.say(b"+ " + base64.b64encode(CHALLENGE) + b"\r\n")
        said.append(peer.line())
        peer.say(tag + b" NO [AUTHENTICATIONFAILED] " + CANARY.encode() + b" is wrong\r\n")
        peer.wait_for_end()

    with ScriptedServer(script) as server, pytest.raises(LoginRefused) as caught:
        ImapClient.connect(loopback(server), Login("tim", token, mechanism), None)

    assert said == [answer]
    assert "mailvault login" in str(caught.value.hint)
    assert "status 401, scope mail.read" in logged.text
    assert CANARY not in logged.text + str(caught.value)
