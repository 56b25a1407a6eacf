"""SASL mechanisms that carry an OAuth2 access token instead of a password, without I/O.

A server that refuses the token first says why, as JSON in a challenge that must be answered
before it says NO. Status and scope of it are logged; the token never is.
"""

import json
import logging
from collections.abc import Callable

from mailvault.errors import LoginRefused, ProtocolViolation
from mailvault.transport.printable import printable

log = logging.getLogger(__name__)

REFUSAL_HINT = (
    "the token is not one for this user and this service; look at user and scopes, "
    "or sign in again: mailvault login ACCOUNT"
)


class BearerMechanism:
    """What XOAUTH2 and OAUTHBEARER have in common: one message, and one way to be refused."""

    name = ""
    is_proven = True
    hint = REFUSAL_HINT
    _acknowledgement = b""

    def __init__(self, user: str, secret: Callable[[], str]) -> None:
        self._user, self._secret = user, secret
        self._is_refused = False

    @property
    def initial(self) -> bytes:
        token = self._secret()
        # RFC 6750 2.1: anything else could smuggle keys of its own into the message.
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise LoginRefused(f"the access token is not one that {self.name} can carry")
        return self._message(token)

    def respond(self, challenge: bytes, /) -> bytes:
        if self._is_refused:
            raise ProtocolViolation(f"the server went on with {self.name} after its end")
        self._is_refused = True
        log.info("%s: the token was refused: %s", self.name, described(challenge))
        return self._acknowledgement

    def _message(self, token: str) -> bytes:
        raise NotImplementedError


class XOAuth2(BearerMechanism):
    """XOAUTH2, as Google and Microsoft describe it."""

    name = "XOAUTH2"

    def _message(self, token: str) -> bytes:
        _refuse_controls(self._user)
        return f"user={self._user}\1auth=Bearer {token}\1\1".encode()


class OAuthBearer(BearerMechanism):
    """OAUTHBEARER (RFC 7628)."""

    name = "OAUTHBEARER"
    _acknowledgement = b"\1"  # RFC 7628 3.2.3

    def _message(self, token: str) -> bytes:
        _refuse_controls(self._user)
        # RFC 5801 4: "," and "=" cannot stand for themselves in a saslname.
        name = self._user.replace("=", "=3D").replace(",", "=2C")
        return f"n,a={name},\1auth=Bearer {token}\1\1".encode()


def _refuse_controls(user: str) -> None:
    if "\0" in user or "\1" in user:
        raise LoginRefused("a user name with control characters cannot log in by OAuth2")


def described(challenge: bytes) -> str:
    """Status and scope of an error challenge; nothing else that it holds."""
    try:
        fields = json.loads(challenge)
    except (ValueError, RecursionError):
        return "the server does not say why"
    if not isinstance(fields, dict):
        return "the server does not say why"
    said = [
        f"{key} {printable(str(fields[key]))}"
        for key in ("status", "scope")
        if isinstance(fields.get(key), str | int) and fields[key] != ""
    ]
    return ", ".join(said) or "the server does not say why"
