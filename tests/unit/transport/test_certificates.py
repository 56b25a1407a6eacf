"""Certificates that prove nothing: refused, with the reason, and without a word said."""

import ssl
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from mailvault.errors import TlsRefused
from mailvault.transport.endpoint import Endpoint, TlsMode
from mailvault.transport.imap import ImapClient
from mailvault.transport.pop3 import Pop3Client
from tests.servers.certificates import LOOPBACK_NAMES, Authority, Certificate
from tests.unit.transport import pop3_server
from tests.unit.transport.imap_server import PASSWORD, QUICK, imaps, login, serve
from tests.unit.transport.pop3_server import pop3s
from tests.unit.transport.scripted import (
    HOST,
    Peer,
    Script,
    ScriptedServer,
    server_context,
)


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


def upgrading(context: ssl.SSLContext) -> Script:
    """The script of an honest server with STARTTLS."""

    def script(peer: Peer) -> None:
        peer.say(b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n")
        peer.answer(b"TAG OK begin\r\n")
        peer.start_tls(context)
        serve(peer, {})

    return script


CONNECTIONS: dict[str, tuple[Callable[[ssl.SSLContext], Script], TlsMode]] = {
    "imaps": (imaps, TlsMode.IMPLICIT),
    "imap": (upgrading, TlsMode.STARTTLS),
    "pop3s": (pop3s, TlsMode.IMPLICIT),
    "pop3": (pop3_server.upgrading, TlsMode.STARTTLS),
}


def connect(name: str, server: ScriptedServer, authority: Authority) -> ImapClient | Pop3Client:
    _, tls = CONNECTIONS[name]
    where = Endpoint(HOST, server.port, tls, ca_file=authority.ca_file, timeouts=QUICK)
    if name.startswith("pop3"):
        return Pop3Client.connect(where, login(), None)
    return ImapClient.connect(where, login(), None)


@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("name", BAD)
def test_a_bad_certificate_is_refused_before_the_password_is_asked_for(
    authority: Authority, name: str, connection: str
) -> None:
    make, reason = BAD[name]
    script = CONNECTIONS[connection][0](make(authority))

    with ScriptedServer(script) as server, pytest.raises(TlsRefused) as caught:
        connect(connection, server, authority)

    assert caught.value.exit_code == 12
    assert reason in str(caught.value)
    for secret in (b"tim", PASSWORD.encode(), b"AUTH", b"LOGIN ", b"USER", b"CAPA"):
        assert secret not in server.heard


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_a_good_certificate_is_accepted(authority: Authority, connection: str) -> None:
    context = server_context(authority.certify(*LOOPBACK_NAMES))

    with (
        ScriptedServer(CONNECTIONS[connection][0](context)) as server,
        connect(connection, server, authority) as client,
    ):
        client.noop()

    assert server.connections == 1


def test_this_machines_authorities_are_asked_where_none_is_named(authority: Authority) -> None:
    context = server_context(authority.certify(*LOOPBACK_NAMES))

    with ScriptedServer(imaps(context)) as server, pytest.raises(TlsRefused):
        ImapClient.connect(Endpoint(HOST, server.port, timeouts=QUICK), login(), None)
