"""Asks a domain where its mail is: by DNS (RFC 6186, RFC 8314 5), then by autoconfig.

Nothing but the domain is sent to anybody, and being offline is no failure.
"""

import importlib
import logging
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

from mailvault.transport.autoconfig import LARGEST, Discovered, is_host, parse_autoconfig

log = logging.getLogger(__name__)

DEADLINE = 4.0
"""Seconds for each question, however slowly its answer drips in."""

SERVICES = {
    "imap": (("_imaps._tcp", "implicit"), ("_imap._tcp", "starttls")),
    "pop3": (("_pop3s._tcp", "implicit"), ("_pop3._tcp", "starttls")),
}
PAGES = (
    "https://autoconfig.{domain}/mail/config-v1.1.xml",
    "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    "https://autoconfig.thunderbird.net/v1.1/{domain}",
)


def discover(
    address: str,
    protocol: str = "imap",
    *,
    pages: Iterable[str] = PAGES,
    resolver: Any = None,  # Any: dnspython's
) -> Discovered | None:
    """Find the mail server of an address; None where nobody says, or nobody answers."""
    domain = address.rpartition("@")[2].lower()
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    if not is_host(domain):
        return None
    found = by_srv(domain, protocol, resolver)
    for page in pages if found is None else ():
        octets = _fetched_in_time(page.format(domain=quote(domain)))
        found = None if octets is None else parse_autoconfig(octets, address, protocol)
        if found is not None:
            break
    return found


def by_srv(
    domain: str,
    protocol: str = "imap",
    resolver: Any = None,  # Any: dnspython's
) -> Discovered | None:
    """Look up SRV records with dnspython, where it is installed."""
    try:
        exceptions = importlib.import_module("dns.exception")
        resolver = resolver or importlib.import_module("dns.resolver").Resolver()
    except ImportError:
        log.info("the Python package dnspython is not installed: DNS is not asked")
        return None
    except Exception as error:  # noqa: BLE001 - without a resolv.conf; dnspython says so in many ways
        log.info("DNS cannot be asked: %r", error)
        return None
    for service, tls in SERVICES[protocol]:
        try:
            answer = resolver.resolve(f"{service}.{domain}.", "SRV", lifetime=DEADLINE)
        except (exceptions.DNSException, OSError) as error:
            log.info("%s.%s: %r", service, domain, error)
            continue
        records = sorted(answer, key=lambda record: (record.priority, -record.weight))
        for record in records:
            host = str(record.target).rstrip(".")
            if is_host(host):  # "." says that there is no such service: RFC 6186 3.4
                return Discovered(host, int(record.port), tls)
    return None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirection may lead anywhere, also out of TLS."""

    def redirect_request(self, *_: object) -> None:
        return None


def _fetched_in_time(url: str) -> bytes | None:
    """The page, unless it takes longer than its time.

    The timeout of a socket is for each read, and looking up a name has none at all; so a
    thread waits for both, and nobody for the thread.
    """
    answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(_fetch(url)), daemon=True).start()
    try:
        return answers.get(timeout=DEADLINE)
    except queue.Empty:
        log.info("%s: no answer in %g s", url, DEADLINE)
        return None


def _fetch(url: str) -> bytes | None:
    if urlsplit(url).scheme != "https":
        return None
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(url, timeout=DEADLINE) as response:
            octets = response.read(LARGEST + 1)
    except (OSError, HTTPException, ValueError) as error:
        log.info("%s: %r", url, error)
        return None
    return octets if isinstance(octets, bytes) else None
