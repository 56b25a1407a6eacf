"""Calls an address by HTTP. Addresses hold secrets, so only the host's name is ever told.

Redirects are refused: they would carry what is posted to whom nobody configured.
"""

import http.client
import ssl
from base64 import b64encode
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from mailvault import __version__
from mailvault.errors import ConfigurationError, ConnectionLost, ServerBusy, ServerRefused
from mailvault.transport import tls
from mailvault.transport.endpoint import Endpoint

LONGEST_ANSWER = 64 * 1024


def call(
    address: str,
    *,
    content: bytes | None = None,
    ca_file: Path | None = None,
    wait: float = 20.0,
) -> None:
    """GET an address, or POST JSON to it. Each step of it may take ``wait`` seconds.

    Raises:
        SourceError: nobody answered, or the answer was no.
        ConfigurationError: the address cannot be called.
    """
    host = _host(address)
    request = _request(address, content)
    try:
        with _opener(ca_file).open(request, timeout=wait) as answer:
            answer.read(LONGEST_ANSWER)
    except HTTPError as error:
        error.close()
        raise _refusal(host, error.code) from None
    except URLError as error:
        raise _unreached(host, error.reason) from None
    except (http.client.HTTPException, ValueError) as error:
        raise ConnectionLost(f"{host} cannot be called ({type(error).__name__})") from None
    except OSError as error:
        raise _unreached(host, error) from None


def _host(address: str) -> str:
    try:
        parts = urlsplit(address)
        host = parts.hostname
        port = parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise ConfigurationError("the address is none that begins with https:// or http://")
    return host if port is None else f"{host}:{port}"


def _request(address: str, content: bytes | None) -> Request:
    parts = urlsplit(address)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    headers = {"User-Agent": f"mailvault/{__version__}"}
    if content is not None:
        headers["Content-Type"] = "application/json"
    if parts.username is not None:
        name = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + b64encode(name.encode()).decode()
    return Request(bare, data=content, headers=headers)  # noqa: S310 - the scheme was checked


def _opener(ca_file: Path | None) -> OpenerDirector:
    """What follows $HTTPS_PROXY and $NO_PROXY, and neither redirects nor other schemes."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        HTTPHandler(),
        HTTPSHandler(context=tls.demanding(ca_file)),
        HTTPDefaultErrorHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _refusal(host: str, code: int) -> ServerRefused:
    if 300 <= code < 400:
        hint = "configure the address that it redirects to"
        return ServerRefused(f"{host} redirects ({code}), which is not followed", hint=hint)
    if code == 429 or code >= 500:
        return ServerBusy(f"{host} answers with status {code}")
    return ServerRefused(f"{host} answers with status {code}", hint="is the address complete?")


def _unreached(host: str, reason: object) -> Exception:
    if isinstance(reason, ssl.SSLError):
        name, _, port = host.rpartition(":")
        endpoint = Endpoint(name, int(port)) if name else Endpoint(host, 443)
        return tls.explained(reason, endpoint)
    said = getattr(reason, "strerror", None) or type(reason).__name__
    return ConnectionLost(f"{host} cannot be reached: {said}")
