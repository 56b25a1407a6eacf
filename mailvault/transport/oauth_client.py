"""A small OAuth2 client: asks for tokens by code, by device code and by refresh token.

RFC 6749, 7636 (PKCE), 8252 (native apps) and 8628 (device flow). httpx comes with the extra
``oauth`` and is imported when a provider is asked. Tokens stand in no message.
"""

import hashlib
import importlib
import json
import ssl
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from urllib.parse import urlencode, urlsplit

from mailvault.errors import (
    ConnectionLost,
    LoginRefused,
    NeedsLogin,
    ProtocolViolation,
    ServerBusy,
    UsageError,
)
from mailvault.ports import Clock
from mailvault.transport.oauth_provider import Provider
from mailvault.transport.oauth_tokens import Tokens
from mailvault.transport.printable import printable

TIMEOUT = 30.0
LONGEST_ANSWER = 1 << 20
DEFAULT_LIFE = 3600.0
SECRET_FIELDS = frozenset(
    {"refresh_token", "token", "code", "code_verifier", "device_code", "client_secret"}
)
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Pending(Exception):
    """Nobody has confirmed the device code yet; ``slower`` asks for longer pauses."""

    def __init__(self, *, slower: bool) -> None:
        super().__init__("authorization pending")
        self.slower = slower


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person types at ``page``, and what we ask with meanwhile."""

    code: str = field(repr=False)
    user_code: str
    page: str
    lasts: float
    interval: float


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """This program, as the provider knows it. The secret is read when it is needed."""

    provider: Provider
    client_id: str
    secret: Callable[[], str] = field(repr=False)
    clock: Clock
    ca_file: Path | None = None

    def refreshed(self, tokens: Tokens) -> Tokens:
        """Trade the refresh token for new tokens (RFC 6749 6).

        Raises:
            NeedsLogin: the provider takes it no more; asking again will not help.
            ConnectionLost, ServerBusy: asking again later may help.
        """
        assert tokens.refresh is not None
        fields = {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
        answer = self._post(self.provider.token_endpoint, fields)
        return self._tokens(answer, earlier=tokens)

    def device_code(self) -> DeviceCode:
        """Begin a device flow (RFC 8628 3.1)."""
        endpoint = self.provider.device_endpoint
        assert endpoint is not None
        answer = self._post(endpoint, {"scope": self.provider.scope})
        page = answer.get("verification_uri") or answer.get("verification_url")
        return DeviceCode(
            code=_text(answer, "device_code"),
            user_code=printable(_text(answer, "user_code")),
            page=printable(str(page)),
            lasts=_seconds(answer, "expires_in", 900.0),
            interval=_seconds(answer, "interval", 5.0),
        )

    def by_device_code(self, device: DeviceCode) -> Tokens:
        """Ask once whether the person has confirmed. Raises Pending until then."""
        fields = {"grant_type": DEVICE_GRANT, "device_code": device.code}
        return self._tokens(self._post(self.provider.token_endpoint, fields))

    def authorization_page(self, redirect_uri: str, verifier: str, state: str) -> str:
        """The address at which a person allows the access (RFC 7636 4.3)."""
        digest = hashlib.sha256(verifier.encode()).digest()
        fields = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.provider.scope,
            "state": state,
            "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **self.provider.authorization_extras,
        }
        return f"{self.provider.authorization_endpoint}?{urlencode(fields)}"

    def by_code(self, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """Trade the code that came with the redirect for tokens (RFC 6749 4.1.3)."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        return self._tokens(self._post(self.provider.token_endpoint, fields))

    def revoke(self, tokens: Tokens) -> bool:
        """Take the access away (RFC 7009 2); False where the provider has no way to.

        Raises:
            SourceError: the provider could not be asked, or says no.
        """
        endpoint = self.provider.revocation_endpoint
        if endpoint is None:
            return False
        # RFC 7009 2.1: with the refresh token its access tokens end, too.
        hint = "access_token" if tokens.refresh is None else "refresh_token"
        fields = {"token": tokens.refresh or tokens.access, "token_type_hint": hint}
        status, content, sent = self._send(endpoint, fields)
        if status != 200:  # RFC 7009 2.2: also where the token was invalid before
            raise _refusal(urlsplit(endpoint).netloc, status, _without(_object(content), sent))
        return True

    def _tokens(self, answer: Mapping[str, object], earlier: Tokens | None = None) -> Tokens:
        now = self.clock.now()
        refresh = answer.get("refresh_token") or (earlier.refresh if earlier else None)
        return Tokens(
            access=_text(answer, "access_token"),
            refresh=str(refresh) if refresh else None,
            obtained=now,
            expires=now + timedelta(seconds=_seconds(answer, "expires_in", DEFAULT_LIFE)),
            # RFC 6749 5.1: it may be left out where it is what was asked for.
            scope=str(answer.get("scope") or (earlier or self.provider).scope),
        )

    def _post(self, address: str, fields: Mapping[str, str]) -> Mapping[str, object]:
        status, content, sent = self._send(address, fields)
        answer = _object(content)
        if status == 200 and answer is not None:
            return answer
        raise _refusal(urlsplit(address).netloc, status, _without(answer, sent))

    def _send(
        self, address: str, fields: Mapping[str, str]
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Post fields and who we are; give status and content, and all that was posted."""
        sent = {"client_id": self.client_id, **fields}
        if secret := self.secret():
            sent["client_secret"] = secret
        return *_exchange(address, sent, self.ca_file), sent


def _exchange(
    address: str, fields: Mapping[str, str], ca_file: Path | None
) -> tuple[int, bytes]:
    httpx = _httpx()
    host = urlsplit(address).netloc
    try:
        with (
            httpx.Client(timeout=TIMEOUT, verify=_trust(ca_file)) as client,
            client.stream("POST", address, data=dict(fields)) as response,
        ):
            content = b""
            for piece in response.iter_bytes():
                content += piece
                if len(content) > LONGEST_ANSWER:
                    raise ProtocolViolation(f"{host} answers with more than 1 MiB")
            return response.status_code, content
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConnectionLost(
            f"{host} cannot be asked for a token ({type(error).__name__}:"
            f" {printable(str(error))})",
            hint="is there a way to it from here? Proxies come from $HTTPS_PROXY",
        ) from None


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    if ca_file is not None:
        # Python 3.13 refuses authorities without the extensions that home-made ones lack.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _httpx() -> ModuleType:
    try:
        return importlib.import_module("httpx")
    except ImportError:
        raise UsageError(
            "signing in by OAuth2 needs the library httpx, which is not installed",
            hint="install mailvault-archive[oauth], or use token_command",
        ) from None


def _object(content: bytes) -> Mapping[str, object] | None:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _without(answer: Mapping[str, object] | None, sent: Mapping[str, str]) -> dict[str, str]:
    """The words of an error response, should it repeat what we had sent: without that."""
    words = {key: str((answer or {}).get(key, "")) for key in ("error", "error_description")}
    for key in SECRET_FIELDS & sent.keys():
        words["error_description"] = words["error_description"].replace(sent[key], "***")
    return words


def _refusal(host: str, status: int, answer: Mapping[str, str]) -> Exception:
    """Judge an error response (RFC 6749 5.2, RFC 8628 3.5)."""
    error = printable(answer["error"])
    detail = printable(answer["error_description"])
    said = f"{error}: {detail}" if detail else error or f"status {status}"
    if error in ("authorization_pending", "slow_down"):
        return Pending(slower=error == "slow_down")
    if status == 429 or status >= 500 or error == "temporarily_unavailable":
        return ServerBusy(f"{host} gives no token now: {said}", hint="try again later")
    if error in ("invalid_grant", "interaction_required", "consent_required"):
        return NeedsLogin(f"{host} does not accept the login any more: {said}")
    if error in ("access_denied", "authorization_declined"):
        return LoginRefused(f"{host} was told not to allow it", hint="sign in and allow it")
    if error in ("expired_token", "code_expired"):
        return LoginRefused(f"{host}: the code has expired", hint="try again")
    hint = "check client_id and client_secret" if "client" in error else None
    return LoginRefused(f"{host} gives no token: {said}", hint=hint)


def _text(answer: Mapping[str, object], key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str) or not value:
        raise ProtocolViolation(f"the provider's answer has no {key}")
    return value


def _seconds(answer: Mapping[str, object], key: str, default: float) -> float:
    value = answer.get(key, default)
    try:
        seconds = float(value) if isinstance(value, str | int | float) else default
    except ValueError:
        return default
    return min(max(seconds, 0.0), 10 * 365 * 86400.0)
