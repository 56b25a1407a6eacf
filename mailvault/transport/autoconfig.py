"""Reads what a domain says of its mail servers, in the format of Thunderbird's autoconfig.

The text comes from strangers: bounded, without document types and entities, and a server
that offers no TLS is not taken.
"""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

LARGEST = 1 << 16

_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9-]{1,63})*")
_TLS = {"SSL": "implicit", "STARTTLS": "starttls"}


@dataclass(frozen=True, slots=True)
class Discovered:
    """A mail server; ``user`` is the name to log in with, where it was told."""

    host: str
    port: int
    tls: str
    user: str | None = None


def is_host(text: str) -> bool:
    """Whether this is a host name, and nothing else."""
    return _HOST.fullmatch(text) is not None


def parse_autoconfig(octets: bytes, address: str, protocol: str = "imap") -> Discovered | None:
    """The best server that is described; None for anything that is not understood."""
    if len(octets) > LARGEST:
        return None
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None  # in other encodings a document type could hide
    if "<!" in re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL):
        return None
    try:
        root = ET.fromstring(text)  # noqa: S314 - no document type, so no entities
    except (ET.ParseError, ValueError):
        return None
    incoming = (each for each in root.iter("incomingServer") if each.get("type") == protocol)
    servers = [_server(each, address) for each in incoming]
    offered = [server for server in servers if server is not None]
    return min(offered, key=lambda server: server.tls != "implicit", default=None)


def _server(element: ET.Element, address: str) -> Discovered | None:
    def said(name: str) -> str:
        found = element.find(name)
        text = (found.text or "").strip() if found is not None else ""
        local, _, domain = address.partition("@")
        for key, value in (("ADDRESS", address), ("LOCALPART", local), ("DOMAIN", domain)):
            text = text.replace(f"%EMAIL{key}%", value)
        return text

    host, port, tls = said("hostname"), said("port"), _TLS.get(said("socketType").upper())
    if tls is None or not is_host(host):
        return None
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        return None
    user = said("username")
    is_sound = bool(user) and user.isprintable() and "%" not in user
    return Discovered(host, int(port), tls, user if is_sound else None)
