"""How a session begins and ends, and what a refused login says."""

import logging
import time
from collections.abc import Callable

import pytest

from mailvault.errors import (
    ConnectionLost,
    LoginRefused,
    MailvaultError,
    ProtocolViolation,
    ServerBusy,
    ServerRefused,
    SourceError,
)
from mailvault.mail.model import Uid
from mailvault.transport.endpoint import Login
from mailvault.transport.imap import ImapClient
from tests.unit.transport.imap_server import (
    PASSWORD,
    Replies,
    imap,
    login,
    loopback,
    serve,
)
from tests.unit.transport.scripted import Peer, ScriptedServer


def failure(server: ScriptedServer, who: Login | None = None) -> MailvaultError:
    with server, pytest.raises(MailvaultError) as caught:
        ImapClient.connect(loopback(server), who or login(), None)
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(caught.value)
    return caught.value


def test_the_password_is_asked_for_once_and_late() -> None:
    asked = []

    def secret() -> str:
        asked.append(1)
        return PASSWORD

    with imap() as server, ImapClient.connect(loopback(server), Login("tim", secret), None):
        pass

    assert asked == [1]


def test_capabilities_are_asked_again_after_the_login() -> None:
    offers = iter([b"AUTH=PLAIN", b"ESEARCH"])

    def script(peer: Peer) -> None:
        peer.say(b"* OK ready\r\n")
        for _ in range(9):
            peer.answer(b"* CAPABILITY IMAP4rev1 " + next(offers, b"") + b"\r\nTAG OK\r\n")
            if b"AUTHENTICATE" in server.heard:
                break
            peer.line()
            peer.say(b"+ \r\n")
            peer.line()
            peer.say(b"A2 OK welcome\r\n")
        serve(peer, {})

    with (
        ScriptedServer(script) as server,
        ImapClient.connect(loopback(server), login(), None) as client,
    ):
        assert client.capabilities == {"IMAP4REV1", "ESEARCH"}


def test_capabilities_told_with_the_login_are_not_asked_again() -> None:
    welcome = b"TAG OK [CAPABILITY IMAP4rev1 ESEARCH] welcome\r\n"
    with (
        imap({b"AUTHENTICATE PLAIN": welcome}) as server,
        ImapClient.connect(loopback(server), login(), None) as client,
    ):
        assert client.capabilities == {"IMAP4REV1", "ESEARCH"}

    assert server.heard.count(b"CAPABILITY") == 1


def test_the_greeting_spares_the_first_question() -> None:
    greeting = b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] Ready\r\n"
    welcome = b"TAG OK [CAPABILITY IMAP4rev1] welcome\r\n"
    with (
        imap({b"AUTHENTICATE PLAIN": welcome}, greeting=greeting) as server,
        ImapClient.connect(loopback(server), login(), None) as client,
    ):
        assert client.greeting_text == "Ready"

    assert b"CAPABILITY" not in server.heard


def test_a_server_without_mechanisms_gets_the_login_command() -> None:
    plain = b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"
    with (
        imap({b"CAPABILITY": plain}) as server,
        ImapClient.connect(loopback(server), login(password='pa"ss'), None),
    ):
        pass

    assert b'LOGIN "tim" "pa\\"ss"' in server.heard


@pytest.mark.parametrize(
    ("password", "sent"),
    [
        ("", b'LOGIN "tim" ""\r\n'),
        ("pässwörd", b'LOGIN "tim" {10+}\r\np\xc3\xa4ssw\xc3\xb6rd\r\n'),
    ],
    ids=["empty", "not ASCII"],
)
def test_the_login_command_carries_any_password(password: str, sent: bytes) -> None:
    plain = b"* CAPABILITY IMAP4rev1 LITERAL+\r\nTAG OK done\r\n"

    def script(peer: Peer) -> None:
        peer.say(b"* OK ready\r\n")
        peer.answer(plain)
        while sent not in server.heard:
            peer.hear()
        peer.say(b"A2 OK [CAPABILITY IMAP4rev1] welcome\r\n")
        peer.wait_for_end()

    with ScriptedServer(script) as server:
        ImapClient.connect(loopback(server), login(password=password), None).abort()


def test_logindisabled_is_respected() -> None:
    disabled = b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\nTAG OK done\r\n"

    error = failure(server := imap({b"CAPABILITY": disabled}))

    assert isinstance(error, LoginRefused)
    assert b"LOGIN" not in server.heard


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (b"NO [AUTHENTICATIONFAILED] Authentication failed.", "check user and password"),
        (b"NO Login failed.", "check user and password"),
        (b"BAD what", "check user and password"),
        (b"NO [EXPIRED] too old", "expired"),
        (b"NO [ALERT] Application-specific password required", "app password"),
    ],
)
def test_refused_credentials_are_exit_11_with_a_hint(text: bytes, hint: str) -> None:
    error = failure(imap({b"AUTHENTICATE PLAIN": b"TAG " + text + b"\r\n"}))

    assert isinstance(error, LoginRefused)
    assert error.exit_code == 11
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        (b"NO [UNAVAILABLE] later", None),
        (b"NO [INUSE] locked", None),
        (b"NO [LIMIT] too many sessions", None),
        (b"NO User is authenticated but not connected.", None),
        (b"NO Request is throttled. Suggested Backoff Time: 299961 milliseconds", 299.961),
    ],
)
def test_a_busy_server_is_no_wrong_password(text: bytes, wait: float | None) -> None:
    error = failure(imap({b"AUTHENTICATE PLAIN": b"TAG " + text + b"\r\n"}))

    assert isinstance(error, ServerBusy)
    assert not isinstance(error, LoginRefused)
    assert error.retry_after == wait


def test_the_servers_words_are_shown_without_codes_or_the_password() -> None:
    reply = b"TAG NO \x1b]0;evil\x07 no user tim with " + PASSWORD.encode() + b"\r\n"

    error = failure(imap({b"AUTHENTICATE PLAIN": reply}))

    assert "\x1b" not in str(error)
    assert "no user tim with ***" in str(error)


def test_a_server_that_skips_the_proof_of_scram_is_not_believed() -> None:
    replies: Replies = {
        b"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-256 SASL-IR\r\nTAG OK done\r\n",
        b"AUTHENTICATE SCRAM-SHA-256": b"TAG OK welcome\r\n",
    }

    error = failure(imap(replies))

    assert isinstance(error, ProtocolViolation)
    assert "without the proof" in str(error)


def test_an_alert_is_logged_without_terminal_codes(caplog: pytest.LogCaptureFixture) -> None:
    alert = b"* OK [ALERT] \x1b[31mdisk\x07 full\r\nTAG OK done\r\n"

    with (
        imap({b"NOOP": alert}) as server,
        ImapClient.connect(loopback(server), login(), None) as client,
        caplog.at_level(logging.DEBUG),
    ):
        client.noop()

    assert "disk" in caplog.text
    assert "\x1b" not in caplog.text
    assert "\x07" not in caplog.text


def test_no_log_line_holds_the_password(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.DEBUG),
        imap() as server,
        ImapClient.connect(loopback(server), login(), None),
    ):
        pass

    assert PASSWORD not in caplog.text


@pytest.mark.parametrize(
    ("greeting", "kind", "words"),
    [
        (b"* BYE too many connections\r\n", ConnectionLost, "turned us away: too many"),
        (b"+OK POP3 ready\r\n", ProtocolViolation, "does not greet like an IMAP server"),
        (b"220 smtp ESMTP\r\n", ProtocolViolation, "does not greet like an IMAP server"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProtocolViolation, "does not greet like an IMAP"),
        (b"\x15\x03\x01\0\x02\x02\x46", SourceError, "greet"),
        (b"", ConnectionLost, "was silent for 1 s instead of a greeting"),
    ],
    ids=["bye", "pop3", "smtp", "http", "tls-alert", "silence"],
)
def test_what_is_no_greeting_is_explained(
    greeting: bytes, kind: type[MailvaultError], words: str
) -> None:
    error = failure(imap(greeting=greeting))

    assert isinstance(error, kind)
    assert words in str(error)


def test_silence_on_a_plain_port_hints_at_tls() -> None:
    error = failure(imap(greeting=b""))

    assert 'tls = "implicit"' in (error.hint or "")


def test_preauth_on_loopback_needs_no_login() -> None:
    with (
        imap(greeting=b"* PREAUTH welcome\r\n") as server,
        ImapClient.connect(loopback(server), login(), None) as client,
    ):
        assert client.list_mailboxes()

    assert b"AUTHENTICATE" not in server.heard


@pytest.mark.parametrize("command", ["ENABLE", "ID"])
def test_comforts_that_are_refused_are_done_without(command: str) -> None:
    welcome = b"TAG OK [CAPABILITY IMAP4rev1 ENABLE QRESYNC CONDSTORE ID] welcome\r\n"
    replies = {
        b"AUTHENTICATE PLAIN": welcome,
        command.encode(): b"TAG BAD no\r\n",
        b"EXAMINE": b"* 0 EXISTS\r\n* OK [UIDNEXT 1] next\r\nTAG OK done\r\n",
    }
    with (
        imap(replies) as server,
        ImapClient.connect(loopback(server), login(), None) as client,
    ):
        assert client.examine(b"INBOX", qresync=(1, 2)).exists == 0

    if command == "ENABLE":
        assert b"QRESYNC (" not in server.heard
        assert b"CONDSTORE" in server.heard


def stubborn(peer: Peer) -> None:
    """Never answer LOGOUT."""
    peer.wait_for_end()


def drip(peer: Peer) -> None:
    while True:
        peer.say(b"* OK still here\r\n")


@pytest.mark.parametrize("at_logout", [stubborn, drip, lambda peer: peer.close()])
def test_logout_never_fails_and_lasts_no_longer_than_its_deadline(
    at_logout: Callable[[Peer], None],
) -> None:
    def script(peer: Peer) -> None:
        peer.say(b"* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n")
        peer.line()
        at_logout(peer)

    with ScriptedServer(script) as server:
        client = ImapClient.connect(loopback(server), login(), None)
        started = time.monotonic()
        client.logout()
        client.logout()

    assert time.monotonic() - started < 2


def test_an_error_inside_ends_the_session_without_a_farewell() -> None:
    with (
        pytest.raises(KeyError),
        imap() as server,
        ImapClient.connect(loopback(server), login(), None),
    ):
        raise KeyError

    assert b"LOGOUT" not in server.heard


def test_a_session_that_was_interrupted_says_that_the_connection_is_lost() -> None:
    with imap() as server:
        client = ImapClient.connect(loopback(server), login(), None)
        client.interrupt()

        with pytest.raises(ConnectionLost):
            client.noop()

        client.logout()


@pytest.mark.parametrize("at", ["greeting", "login", "command"])
def test_a_server_that_stalls_is_left_at_the_deadline(at: str) -> None:
    def script(peer: Peer) -> None:
        if at != "greeting":
            peer.say(b"* OK [CAPABILITY IMAP4rev1] hi\r\n")
        if at == "command":
            peer.answer(b"TAG OK [CAPABILITY IMAP4rev1] welcome\r\n")
        peer.wait_for_end()

    with ScriptedServer(script) as server:
        started = time.monotonic()
        with pytest.raises(ConnectionLost, match="silent"):
            ImapClient.connect(loopback(server), login(), None).noop()

    assert 0.8 < time.monotonic() - started < 2.5


def test_an_idle_client_is_told_of_news_and_of_silence() -> None:
    def script(peer: Peer) -> None:
        peer.say(b"* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi\r\n")
        for news in (b"* 3 EXISTS\r\n", b""):
            tag = peer.line().partition(b" ")[0]
            peer.say(b"+ idling\r\n" + news)
            assert peer.line() == b"DONE"
            peer.say(tag + b" OK done\r\n")
        serve(peer, {})

    with (
        ScriptedServer(script) as server,
        ImapClient.connect(loopback(server), login(), None) as client,
    ):
        assert client.idle(5)
        assert not client.idle(0.1)


def test_a_refused_mailbox_says_why() -> None:
    with (
        imap({b"EXAMINE": b"TAG NO [NONEXISTENT] no\x1bsuch mailbox\r\n"}) as server,
        ImapClient.connect(loopback(server), login(), None) as client,
        pytest.raises(ServerRefused) as caught,
    ):
        client.examine(b"Gone")

    assert "refused EXAMINE: [NONEXISTENT] no\N{REPLACEMENT CHARACTER}such" in str(caught.value)


def test_nothing_but_reading_is_ever_said() -> None:
    with (
        imap() as server,
        ImapClient.connect(loopback(server), login(), None) as client,
    ):
        client.list_mailboxes()
        client.examine(b"INBOX")
        client.search_uids(Uid(1))

    heard = bytes(server.heard)
    assert b"EXAMINE" in heard
    assert not any(verb in heard for verb in (b"SELECT", b"STORE", b"EXPUNGE", b"APPEND"))
