"""A domain is asked by DNS and over HTTPS, and nobody who answers badly holds us up."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mailvault.transport import discovery
from mailvault.transport.autoconfig import LARGEST, Discovered
from mailvault.transport.discovery import discover
from tests.servers.certificates import LOOPBACK_NAMES, Authority
from tests.servers.name_server import NameServer
from tests.unit.transport.scripted import Peer, ScriptedServer, server_context

ME = "me@example.org"
PAGE = b"""<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="example.org">
<incomingServer type="imap"><hostname>mx.example.net</hostname><port>993</port>
<socketType>SSL</socketType><username>%EMAILLOCALPART%</username></incomingServer>
<incomingServer type="pop3"><hostname>pop.example.net</hostname><port>110</port>
<socketType>STARTTLS</socketType></incomingServer></emailProvider></clientConfig>"""
FOUND = Discovered("mx.example.net", 993, "implicit", "me")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """This machine trusts the authority, and goes through no proxy."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    monkeypatch.setenv("NO_PROXY", "*")
    return authority


# By DNS


@pytest.mark.parametrize(
    ("records", "found"),
    [
        (
            {"_imaps._tcp.example.org": ("0 1 993 imap.example.org.",)},
            Discovered("imap.example.org", 993, "implicit"),
        ),
        (
            {"_imap._tcp.example.org": ("0 1 143 imap.example.org.",)},
            Discovered("imap.example.org", 143, "starttls"),
        ),
        (
            {"_imaps._tcp.example.org": ("20 1 993 b.example.", "10 1 1993 a.example.")},
            Discovered("a.example", 1993, "implicit"),
        ),
        (
            {
                "_imaps._tcp.example.org": ("0 0 0 .",),
                "_imap._tcp.example.org": ("0 1 143 imap.example.org.",),
            },
            Discovered("imap.example.org", 143, "starttls"),
        ),
        ({"_imaps._tcp.example.org": ("0 0 0 .",)}, None),
        ({}, None),
    ],
    ids=["tls", "starttls", "priorities", "no tls there", "no service", "no name"],
)
def test_the_records_of_a_domain_name_its_server(
    records: dict[str, tuple[str, ...]], found: Discovered | None
) -> None:
    with NameServer(records) as server:
        assert discover(ME, pages=(), resolver=server.resolver()) == found

    assert set(server.asked) <= {"_imaps._tcp.example.org", "_imap._tcp.example.org"}


def test_pop3_has_records_of_its_own() -> None:
    with NameServer({"_pop3s._tcp.example.org": ("0 1 995 pop.example.org.",)}) as server:
        found = discover(ME, "pop3", pages=(), resolver=server.resolver())

    assert found == Discovered("pop.example.org", 995, "implicit")


def test_a_domain_in_other_letters_is_asked_for_as_dns_writes_it() -> None:
    with NameServer({"_imaps._tcp.xn--mller-kva.example": ("0 1 993 m.example.",)}) as server:
        found = discover("me@müller.example", pages=(), resolver=server.resolver())

    assert found == Discovered("m.example", 993, "implicit")


def test_a_silent_name_server_costs_its_time_and_no_more(
    trusted: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "DEADLINE", 0.3)
    with NameServer({}, is_silent=True) as server:
        assert discover(ME, pages=(), resolver=server.resolver()) is None


def test_without_dnspython_only_pages_are_asked(
    trusted: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dns.exception", None)

    with http(saying(PAGE), trusted) as server:
        page = f"https://127.0.0.1:{server.port}/x"
        assert discover(ME, pages=(page,)) == FOUND


# By autoconfig


def http(answer: Callable[[Peer], None], authority: Authority) -> ScriptedServer:
    context = server_context(authority.certify(*LOOPBACK_NAMES))

    def script(peer: Peer) -> None:
        peer.start_tls(context)
        while peer.line():
            pass
        answer(peer)

    return ScriptedServer(script)


def saying(octets: bytes, *, status: bytes = b"200 OK") -> Callable[[Peer], None]:
    head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(octets))
    return lambda peer: peer.say(head + octets)


def asked_for(server: ScriptedServer, protocol: str = "imap") -> Discovered | None:
    page = f"https://127.0.0.1:{server.port}/{{domain}}.xml"
    with NameServer({}) as names:
        return discover(ME, protocol, pages=(page,), resolver=names.resolver())


@pytest.mark.parametrize(
    ("protocol", "found"),
    [("imap", FOUND), ("pop3", Discovered("pop.example.net", 110, "starttls"))],
)
def test_the_page_of_a_domain_names_its_server(
    trusted: Authority, protocol: str, found: Discovered
) -> None:
    with http(saying(PAGE), trusted) as server:
        assert asked_for(server, protocol) == found


def test_nothing_but_the_domain_is_told(trusted: Authority) -> None:
    heard = []

    def answer(peer: Peer) -> None:
        saying(PAGE)(peer)

    with http(answer, trusted) as server:
        asked_for(server)
        heard.append(bytes(server.heard))

    assert b"GET /example.org.xml HTTP/1.1" in heard[0]
    assert b"me@" not in heard[0]


def test_a_page_behind_a_bad_certificate_is_not_believed(tmp_path: Path) -> None:
    stranger = Authority.create(tmp_path)

    with http(saying(PAGE), stranger) as server:
        assert asked_for(server) is None

    assert b"GET" not in server.heard


@pytest.mark.parametrize(
    "answer",
    [
        saying(PAGE, status=b"404 Not Found"),
        saying(b"", status=b"302 Found\r\nLocation: http://127.0.0.1/x"),
        saying(PAGE + b" " * LARGEST),
        saying(PAGE[:-30]),
        lambda peer: peer.say(b"x" * 100_000),
        lambda peer: None,
    ],
    ids=["404", "redirect", "large", "incomplete", "no http", "nothing"],
)
def test_a_page_that_is_none_names_nobody(
    trusted: Authority, answer: Callable[[Peer], None]
) -> None:
    with http(answer, trusted) as server:
        assert asked_for(server) is None


def dripping(head: bytes) -> Callable[[Peer], None]:
    def answer(peer: Peer) -> None:
        peer.say(head)
        while not peer.is_gone(0.02):
            peer.say(b"x")

    return answer


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: ", b""],
    ids=["in the page", "in the header", "from the start"],
)
def test_a_page_that_drips_is_given_up_and_the_next_one_asked(
    trusted: Authority, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(discovery, "DEADLINE", 3.0)
    with (
        NameServer({}) as names,
        http(dripping(head), trusted) as slow,
        http(saying(PAGE), trusted) as sound,
    ):
        pages = [f"https://127.0.0.1:{server.port}/x" for server in (slow, sound)]

        assert discover(ME, pages=pages, resolver=names.resolver()) == FOUND


def test_being_offline_is_no_failure(
    trusted: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "DEADLINE", 0.5)
    with NameServer({}) as server:
        resolver = server.resolver()
    pages = ("https://127.0.0.1:1/{domain}", "https://no-such-host.invalid/{domain}")

    assert discover(ME, pages=pages, resolver=resolver) is None
