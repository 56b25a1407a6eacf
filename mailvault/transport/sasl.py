"""SASL mechanisms as challenge and response, without I/O, and which of them to use.

The password is asked for when a response needs it, and no object here ever shows it.
"""

import hmac
from collections.abc import Callable, Collection
from typing import Protocol

from mailvault.errors import LoginRefused, ProtocolViolation, SourceError, TlsRefused
from mailvault.transport.bearer import BearerMechanism, OAuthBearer, XOAuth2
from mailvault.transport.endpoint import Login
from mailvault.transport.scram import Scram


class Exchange(Protocol):
    """The client's side of one authentication."""

    @property
    def name(self) -> str: ...

    @property
    def initial(self) -> bytes | None:
        """What the client says first; None where the server begins (RFC 4422 3)."""
        ...

    @property
    def is_proven(self) -> bool:
        """Whether a success may be believed: SCRAM servers have to prove themselves."""
        ...

    def respond(self, challenge: bytes, /) -> bytes: ...


class Plain:
    """PLAIN (RFC 4616)."""

    name = "PLAIN"
    is_proven = True

    def __init__(self, user: str, secret: Callable[[], str]) -> None:
        self._user, self._secret = user, secret

    @property
    def initial(self) -> bytes:
        user, password = self._user.encode(), self._secret().encode()
        if b"\0" in user + password:
            raise LoginRefused("PLAIN cannot carry a user name or password with a NUL in it")
        return b"\0" + user + b"\0" + password

    def respond(self, _challenge: bytes, /) -> bytes:
        raise ProtocolViolation("the server went on with PLAIN after its end")


class LoginMechanism:
    """LOGIN (draft-murchison-sasl-login): asks for the name, then for the password."""

    name = "LOGIN"
    initial = None
    is_proven = True

    def __init__(self, user: str, secret: Callable[[], str]) -> None:
        self._answers = [lambda: user, secret]

    def respond(self, _challenge: bytes, /) -> bytes:
        if not self._answers:
            raise ProtocolViolation("the server went on with LOGIN after its end")
        return self._answers.pop(0)().encode()


class CramMd5:
    """CRAM-MD5 (RFC 2195)."""

    name = "CRAM-MD5"
    initial = None

    def __init__(self, user: str, secret: Callable[[], str]) -> None:
        self._user, self._secret = user, secret
        self.is_proven = False

    def respond(self, challenge: bytes, /) -> bytes:
        if self.is_proven:
            raise ProtocolViolation("the server went on with CRAM-MD5 after its end")
        self.is_proven = True
        proof = hmac.new(self._secret().encode(), challenge, "md5").hexdigest()
        return self._user.encode() + b" " + proof.encode()


def _scram_sha_1(user: str, secret: Callable[[], str]) -> Exchange:
    return Scram("sha1", user, secret)


def _scram_sha_256(user: str, secret: Callable[[], str]) -> Exchange:
    return Scram("sha256", user, secret)


_EXCHANGES: dict[str, Callable[[str, Callable[[], str]], Exchange]] = {
    "SCRAM-SHA-256": _scram_sha_256,
    "SCRAM-SHA-1": _scram_sha_1,
    "CRAM-MD5": CramMd5,
    "PLAIN": Plain,
    "LOGIN": LoginMechanism,
    # Never chosen by "auto": what they carry is no password.
    "XOAUTH2": XOAuth2,
    "OAUTHBEARER": OAuthBearer,
}

_SHOWS_PASSWORD = frozenset({"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"})

_IN_PRIVATE = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5")
# Without TLS, a listener learns less from CRAM-MD5 than from the password itself.
_IN_PUBLIC = ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN")


def choose(
    login: Login,
    offered: Collection[str],
    *,
    is_private: bool,
    may_carry_secrets: bool,
    may_use_command: bool,
) -> Exchange | None:
    """Pick the best mechanism of those `offered`; None stands for the LOGIN command.

    Raises:
        LoginRefused: nothing that is offered can be used.
        TlsRefused: only by sending the password where others may read it.
    """
    wanted = login.mechanism.upper()
    if wanted != "AUTO":
        return _configured(login, wanted, offered, may_carry_secrets, may_use_command)
    order = _IN_PRIVATE if is_private else _IN_PUBLIC
    usable = [name for name in order if name in offered]
    safe = [name for name in usable if may_carry_secrets or name not in _SHOWS_PASSWORD]
    if safe:
        return _EXCHANGES[safe[0]](login.user, login.secret)
    if may_use_command and may_carry_secrets:
        return None
    if usable or may_use_command:
        raise unsafe()
    raise LoginRefused(
        f"the server offers no way to log in that is known here ({_listed(offered)})",
        hint='does it want tls = "starttls" or "implicit" first?',
    )


def _configured(
    login: Login,
    wanted: str,
    offered: Collection[str],
    may_carry_secrets: bool,
    may_use_command: bool,
) -> Exchange | None:
    if wanted in _SHOWS_PASSWORD and not may_carry_secrets:
        raise unsafe()
    if wanted in offered and wanted in _EXCHANGES:
        return _EXCHANGES[wanted](login.user, login.secret)
    if wanted == "LOGIN" and may_use_command:
        return None
    raise LoginRefused(
        f"the server does not offer {wanted.lower()} ({_listed(offered)})",
        hint=_other_than(wanted),
    )


def _other_than(wanted: str) -> str:
    if wanted == "OAUTHBEARER":
        return 'use auth = "xoauth2"'
    if wanted == "XOAUTH2":
        return "this server takes no OAuth2 tokens; use an app password and no oauth table"
    return 'use auth = "auto"'


def explained(mechanism: Exchange | None, error: SourceError) -> SourceError:
    """A refused login, with the hint that fits what was refused."""
    if isinstance(error, LoginRefused) and isinstance(mechanism, BearerMechanism):
        error.hint = mechanism.hint
    return error


def unsafe() -> TlsRefused:
    return TlsRefused(
        "the password would have to be sent where others can read it",
        hint='use tls = "implicit" or "starttls"',
    )


def _listed(offered: Collection[str]) -> str:
    return "it offers " + (", ".join(sorted(offered)).lower() or "none")
