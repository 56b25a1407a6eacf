"""What a stranger's autoconfig may and may not make us do."""

import pytest

from mailvault.transport.autoconfig import Discovered, parse_autoconfig
from mailvault.transport.discovery import discover

SERVER = """<incomingServer type="{type}"><hostname>{host}</hostname><port>{port}</port>
<socketType>{tls}</socketType><username>{user}</username></incomingServer>"""


def page(*servers: str, before: str = "") -> bytes:
    head = f'<?xml version="1.0" encoding="UTF-8"?>{before}<clientConfig version="1.1">'
    return f"{head}<emailProvider>{''.join(servers)}</emailProvider></clientConfig>".encode()


def server(**given: str) -> str:
    usual = {"type": "imap", "host": "mx.example", "port": "993", "tls": "SSL", "user": ""}
    return SERVER.format(**usual | given)


def read(octets: bytes) -> Discovered | None:
    return parse_autoconfig(octets, "jane@example.org")


def test_implicit_tls_is_preferred() -> None:
    octets = page(server(tls="STARTTLS", port="143"), server(user="%EMAILLOCALPART%"))

    assert read(octets) == Discovered("mx.example", 993, "implicit", "jane")


def test_placeholders_stand_for_parts_of_the_address() -> None:
    found = read(page(server(host="mail.%EMAILDOMAIN%", user="%EMAILADDRESS%")))

    assert found == Discovered("mail.example.org", 993, "implicit", "jane@example.org")


@pytest.mark.parametrize(
    "octets",
    [
        page(server(tls="plain")),
        page(server(type="pop3")),
        page(server(host="mx.example/../x")),
        page(server(host="mx example")),
        page(server(host='a"\nb')),
        page(server(port="99999")),
        page(server(port="-1")),
        page(server(), before='<!DOCTYPE x [<!ENTITY a "aaaa">]>'),
        page(server()).decode().encode("utf-16"),
        page(server()) + b" " * 70_000,
        page(server())[:-5],
        b"",
        b"<html>not found</html>",
        b"\xff\xfe\x00",
    ],
    ids=range(14),
)
def test_what_is_not_sound_is_not_taken(octets: bytes) -> None:
    assert read(octets) is None


@pytest.mark.parametrize("address", ["me@127.0.0.1:1/x", "me@a b.example", "me@", "me@x\n.y"])
def test_only_a_domain_is_ever_asked_for(address: str) -> None:
    def asked() -> str:
        raise AssertionError("nobody may be asked")

    pages = (asked() for _ in [1])
    assert discover(address, pages=pages) is None
