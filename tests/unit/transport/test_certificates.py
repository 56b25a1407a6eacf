"""Certificates that prove nothing: refused, with the reason, and without a word said."""

import ssl
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from mailvault.errors import TlsRefused
from mailvault.transport.endpoint import Endpoint, TlsMode
from mailvault.transport.imap import ImapClient
from tests.servers.certificates import LOOPBACK_NAMES, Authority, Certificate
from tests.unit.transport.imap_server import PASSWORD, QUICK, imaps, login, serve
from tests.unit.transport.scripted import HOST, Peer, ScriptedServer, server_context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("authority"))


def self_signed(authority: Authority) -> ssl.SSLContext:
    other = Authority.create(folder(authority, "alone"))
    return server_context(Certificate(other.ca_file, other.folder / "ca.key"))


def wrong_host(authority: Authority) -> ssl.SSLContext:
    return server_context(authority.certify("DNS:other.example", label="other"))


def expired(authority: Authority) -> ssl.SSLContext:
    return server_context(authority.certify(*LOOPBACK_NAMES, label="expired", days=-1))


def other_authority(authority: Authority) -> ssl.SSLContext:
    other = Authority.create(folder(authority, "stranger"))
    return server_context(other.certify(*LOOPBACK_NAMES))


def address_in_common_name(authority: Authority) -> ssl.SSLContext:
    return server_context(authority.certify("email:x@example.org", label=HOST))


def old_tls(authority: Authority) -> ssl.SSLContext:
    context = server_context(authority.certify(*LOOPBACK_NAMES, label="old"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():  # Python deprecates what this test needs
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def folder(authority: Authority, name: str) -> Path:
    path = authority.folder / name
    path.mkdir(exist_ok=True)
    return path


BAD: dict[str, tuple[Callable[[Authority], ssl.SSLContext], str]] = {
    "self-signed": (self_signed, "is self-signed"),
    "wrong host": (wrong_host, "is for another"),
    "expired": (expired, "has expired"),
    "other authority": (other_authority, "does not know"),
    "address without SAN": (address_in_common_name, "is for another address"),
    "TLS 1.1": (old_tls, "no TLS of version 1.2"),
}


def upgrading(context: ssl.SSLContext) -> Callable[[Peer], None]:
    """The script of an honest server with STARTTLS."""

    def script(peer: Peer) -> None:
        peer.say(b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n")
        peer.answer(b"TAG OK begin\r\n")
        peer.start_tls(context)
        serve(peer, {})

    return script


def endpoint(server: ScriptedServer, tls: TlsMode, authority: Authority) -> Endpoint:
    return Endpoint(HOST, server.port, tls, ca_file=authority.ca_file, timeouts=QUICK)


@pytest.mark.parametrize("tls", [TlsMode.IMPLICIT, TlsMode.STARTTLS])
@pytest.mark.parametrize("name", BAD)
def test_a_bad_certificate_is_refused_before_the_password_is_asked_for(
    authority: Authority, name: str, tls: TlsMode
) -> None:
    make, reason = BAD[name]
    script = (imaps if tls is TlsMode.IMPLICIT else upgrading)(make(authority))

    with ScriptedServer(script) as server, pytest.raises(TlsRefused) as caught:
        ImapClient.connect(endpoint(server, tls, authority), login(), None)

    assert caught.value.exit_code == 12
    assert reason in str(caught.value)
    for secret in (b"tim", PASSWORD.encode(), b"AUTHENTICATE", b"LOGIN "):
        assert secret not in server.heard


@pytest.mark.parametrize("tls", [TlsMode.IMPLICIT, TlsMode.STARTTLS])
def test_a_good_certificate_is_accepted(authority: Authority, tls: TlsMode) -> None:
    context = server_context(authority.certify(*LOOPBACK_NAMES))
    script = (imaps if tls is TlsMode.IMPLICIT else upgrading)(context)

    with (
        ScriptedServer(script) as server,
        ImapClient.connect(endpoint(server, tls, authority), login(), None) as client,
    ):
        assert client.list_mailboxes()


def test_this_machines_authorities_are_asked_where_none_is_named(authority: Authority) -> None:
    context = server_context(authority.certify(*LOOPBACK_NAMES))

    with ScriptedServer(imaps(context)) as server, pytest.raises(TlsRefused):
        ImapClient.connect(Endpoint(HOST, server.port, timeouts=QUICK), login(), None)
