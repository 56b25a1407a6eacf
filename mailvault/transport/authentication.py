"""What IMAP and POP3 do alike before a session is logged in: hear a greeting, prove a secret.

Rules, for each of which somebody once lost a password: no secret before privacy, STARTTLS
is never optional once asked for, and nothing that was said before TLS is believed after.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Protocol, TypeVar

from mailvault.errors import ConnectionLost, MailvaultError, ProtocolViolation
from mailvault.transport.conversation import Conversation, Event
from mailvault.transport.endpoint import Endpoint, TlsMode
from mailvault.transport.sasl import Exchange


class Verdict(Protocol):
    """How the server ends an authentication."""

    @property
    def is_ok(self) -> bool: ...


V = TypeVar("V", bound=Verdict)


def first_words(session: Conversation[Event], protocol: str, ports: str) -> Event:
    """Wait for the greeting. ``ports`` says which one speaks what."""
    endpoint = session.endpoint
    try:
        return session.event(endpoint.timeouts.greeting)
    except ConnectionLost as error:
        raise _silent(error, endpoint) from error
    except ProtocolViolation as error:
        raise ProtocolViolation(
            f"{endpoint} does not greet like {protocol} server", hint=f"check the port: {ports}"
        ) from error


def _silent(error: ConnectionLost, endpoint: Endpoint) -> ConnectionLost:
    hint = error.hint
    if endpoint.tls is not TlsMode.IMPLICIT:
        hint = 'if this port speaks TLS from the start, set tls = "implicit"'
    return ConnectionLost(f"{error} instead of a greeting", hint=hint)


class Once:
    """Asks for the secret at most once, and remembers it only as long as a login lasts."""

    def __init__(self, secret: Callable[[], str]) -> None:
        self._ask = secret
        self._secret: str | None = None

    def __call__(self) -> str:
        if self._secret is None:
            self._secret = self._ask()
        return self._secret

    @property
    def spoken(self) -> str:
        """The secret if it was asked for, to be cut out of what the server says."""
        return self._secret or ""


def exchange(
    session: Conversation[Event], mechanism: Exchange, turn: Callable[[], bytes | V]
) -> V:
    """Go through a SASL exchange that has begun. ``turn``: challenges, then the verdict."""
    while isinstance(said := turn(), bytes):
        try:
            answer = mechanism.respond(_decoded(said))
        except MailvaultError:
            session.abort()
            raise
        session.respond(answer)
    if said.is_ok and not mechanism.is_proven:
        raise unproven(session, mechanism)
    return said


def unproven(session: Conversation[Event], mechanism: Exchange) -> ProtocolViolation:
    """The server welcomes us without having shown that it is the right one."""
    session.abort()
    return ProtocolViolation(
        f"{session.endpoint} accepted the login without the proof of {mechanism.name} that"
        " it knows the password",
        hint="somebody may be meddling with the connection",
    )


def _decoded(challenge: bytes) -> bytes:
    try:
        return base64.b64decode(challenge, validate=True)
    except binascii.Error as error:
        raise ProtocolViolation("the server sent a challenge that is not base64") from error
