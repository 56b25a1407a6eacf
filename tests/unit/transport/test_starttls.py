"""STARTTLS with somebody in the middle (NO STARTTLS, USENIX Security 2021)."""

import logging
import ssl

import pytest

from mailvault.errors import MailvaultError, SourceError, TlsRefused
from mailvault.transport.endpoint import Endpoint, TlsMode
from mailvault.transport.imap import ImapClient
from tests.servers.certificates import LOOPBACK_NAMES, Authority
from tests.unit.transport.imap_server import PASSWORD, QUICK, login, serve
from tests.unit.transport.scripted import HOST, Peer, Script, ScriptedServer, server_context

INJECTIONS: dict[str, bytes] = {
    "list": b'* LIST () "/" "INJECTED"\r\n',
    "lsub": b'* LSUB () "/" "INJECTED"\r\n',
    "list of a path": b'* LIST () "/" "../../INJECTED"\r\n',
    "capability": b"* CAPABILITY IMAP4rev1 INJECTED AUTH=PLAIN\r\n",
    "capability code": b"* OK [CAPABILITY IMAP4rev1 INJECTED] hi\r\n",
    "fetch": b"* 1 FETCH (UID 1 FLAGS (INJECTED) BODY[] {8}\r\nINJECTED)\r\n",
    "fetch of flags": b"* 1 FETCH (UID 1 FLAGS (INJECTED))\r\n",
    "exists": b"* 666 EXISTS\r\n",
    "expunge": b"* 1 EXPUNGE\r\n",
    "bye": b"* BYE INJECTED\r\n",
    "alert": b"* OK [ALERT] INJECTED \x1b[31m\r\n",
    "alert no": b"* NO [ALERT] INJECTED\r\n",
    "literal": b'* LIST () "/" {8}\r\nINJECTED\r\n',
    "open literal": b'* LIST () "/" {800}\r\nINJECTED',
    "status": b'* STATUS "INJECTED" (MESSAGES 666)\r\n',
    "search": b"* SEARCH 666\r\n",
    "id": b'* ID ("name" "INJECTED")\r\n',
    "preauth": b"* PREAUTH INJECTED\r\n",
    "half a line": b"* OK INJECTED",
    "referral": b"* OK [REFERRAL imap://INJECTED/] go there\r\n",
    "namespace": b'* NAMESPACE (("INJECTED" "/")) NIL NIL\r\n',
    "enabled": b"* ENABLED INJECTED\r\n",
    "tagged": b"A3 OK INJECTED\r\n",
    "continuation": b"+ INJECTED\r\n",
    "vanished": b"* VANISHED 1:666\r\n",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def context(authority: Authority) -> ssl.SSLContext:
    return server_context(authority.certify(*LOOPBACK_NAMES))


def endpoint(server: ScriptedServer, authority: Authority) -> Endpoint:
    return Endpoint(
        HOST, server.port, TlsMode.STARTTLS, ca_file=authority.ca_file, timeouts=QUICK
    )


def meddling(context: ssl.SSLContext, *, before: bytes = b"", after: bytes = b"") -> Script:
    """An honest server, and somebody who adds words around its consent to STARTTLS."""

    def script(peer: Peer) -> None:
        peer.say(b"* OK ready\r\n")
        peer.answer(b"* CAPABILITY IMAP4rev1 STARTTLS\r\nTAG OK done\r\n")
        peer.answer(before + b"TAG OK begin\r\n" + after)
        peer.start_tls(context)
        serve(peer, {})

    return script


def trusting_nothing(error: MailvaultError, server: ScriptedServer) -> None:
    assert "INJECTED" not in str(error) + str(error.hint)
    assert PASSWORD.encode() not in server.heard
    assert b"AUTHENTICATE" not in server.heard


@pytest.mark.parametrize("name", INJECTIONS)
def test_anything_said_between_the_consent_and_the_handshake_ends_it(
    authority: Authority, context: ssl.SSLContext, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    script = meddling(context, after=INJECTIONS[name])

    with (
        caplog.at_level(logging.DEBUG),
        ScriptedServer(script) as server,
        pytest.raises(TlsRefused) as caught,
    ):
        ImapClient.connect(endpoint(server, authority), login(), None)

    trusting_nothing(caught.value, server)
    assert caught.value.exit_code == 12
    assert "INJECTED" not in caplog.text


@pytest.mark.parametrize("name", INJECTIONS)
def test_nothing_said_before_the_consent_survives_it(
    authority: Authority, context: ssl.SSLContext, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    script = meddling(context, before=INJECTIONS[name])

    with caplog.at_level(logging.DEBUG), ScriptedServer(script) as server:
        try:
            with ImapClient.connect(endpoint(server, authority), login(), None) as client:
                learned = str(
                    (client.capabilities, client.list_mailboxes(), client.greeting_text)
                ) + str((client.server_id, client.exists, client.expunged_since_examine))
        except SourceError as error:
            trusting_nothing(error, server)
            learned = ""

    assert "INJECTED" not in learned + caplog.text
    assert "666" not in learned


def test_octets_in_a_packet_of_their_own_before_the_handshake_end_it(
    authority: Authority, context: ssl.SSLContext
) -> None:
    def script(peer: Peer) -> None:
        peer.say(b"* OK ready\r\n")
        peer.answer(b"* CAPABILITY IMAP4rev1 STARTTLS\r\nTAG OK done\r\n")
        peer.answer(b"TAG OK begin\r\n")
        peer.say(INJECTIONS["list"])
        peer.start_tls(context)
        serve(peer, {})

    with ScriptedServer(script) as server, pytest.raises(TlsRefused) as caught:
        ImapClient.connect(endpoint(server, authority), login(), None)

    trusting_nothing(caught.value, server)


CAPABILITIES = {
    "offered": b"* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\nTAG OK done\r\n",
    "stripped": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nTAG OK done\r\n",
    "silent": b"TAG OK done\r\n",
    "refused": b"TAG BAD what\r\n",
}
CONSENTS = {
    "no": b"TAG NO not now\r\n",
    "bad": b"TAG BAD unknown command\r\n",
    "ok, but plain": b"TAG OK begin\r\n",
}


@pytest.mark.parametrize("consent", CONSENTS)
@pytest.mark.parametrize("capability", CAPABILITIES)
def test_no_secret_is_told_to_who_will_not_start_tls(
    authority: Authority, capability: str, consent: str
) -> None:
    def script(peer: Peer) -> None:
        peer.say(b"* OK ready\r\n")
        serve(
            peer,
            {b"CAPABILITY": CAPABILITIES[capability], b"STARTTLS": CONSENTS[consent]},
        )

    with ScriptedServer(script) as server, pytest.raises(MailvaultError) as caught:
        ImapClient.connect(endpoint(server, authority), login(), None)

    trusting_nothing(caught.value, server)
    if consent != "ok, but plain" or capability != "offered":
        assert isinstance(caught.value, TlsRefused)
        assert "does not offer STARTTLS" in str(caught.value)


def test_preauth_before_tls_ends_it_before_any_command(authority: Authority) -> None:
    def script(peer: Peer) -> None:
        peer.say(b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] INJECTED welcome\r\n")
        serve(peer, {})

    with ScriptedServer(script) as server, pytest.raises(TlsRefused) as caught:
        ImapClient.connect(endpoint(server, authority), login(), None)

    assert server.heard == b""
    trusting_nothing(caught.value, server)


def test_capabilities_are_asked_again_in_private(
    authority: Authority, context: ssl.SSLContext
) -> None:
    with (
        ScriptedServer(meddling(context)) as server,
        ImapClient.connect(endpoint(server, authority), login(), None) as client,
    ):
        assert "STARTTLS" not in client.capabilities

    assert server.heard.count(b"CAPABILITY") == 3  # before TLS, after it, after the login


def test_starttls_is_not_used_where_it_was_not_asked_for(
    authority: Authority, context: ssl.SSLContext
) -> None:
    with ScriptedServer(meddling(context)) as server:
        implicit = Endpoint(HOST, server.port, ca_file=authority.ca_file, timeouts=QUICK)
        with pytest.raises(TlsRefused):
            ImapClient.connect(implicit, login(), None)

    assert b"STARTTLS" not in server.heard
