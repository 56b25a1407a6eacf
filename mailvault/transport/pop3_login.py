"""From an open socket to a POP3 session that is logged in: greeting, STLS, APOP, SASL.

The rules are those of IMAP: no secret before privacy, STLS is never optional once asked
for, and nothing that was said before TLS is believed after it.
"""

import base64
import binascii
import hashlib
import logging
from collections.abc import Callable

from mailvault.errors import (
    ConnectionLost,
    LoginRefused,
    MailvaultError,
    ProtocolViolation,
    TlsRefused,
)
from mailvault.protocols.pop3 import commands
from mailvault.protocols.pop3.listings import Capabilities, parse_capabilities
from mailvault.protocols.pop3.types import Challenge, Greeting, Response, Status
from mailvault.transport import sasl
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.pop3_refusals import is_for_now, login_refused, refused
from mailvault.transport.pop3_session import Session
from mailvault.transport.stream import injected

log = logging.getLogger(__name__)


def greet(session: Session) -> Greeting:
    """Wait for the greeting and decide whether to go on."""
    endpoint = session.endpoint
    try:
        greeting = session.event(endpoint.timeouts.greeting)
    except ConnectionLost as error:
        raise _silent(error, endpoint) from error
    except ProtocolViolation as error:
        raise ProtocolViolation(
            f"{endpoint} does not greet like a POP3 server",
            hint="check the port: 995 is POP3 with TLS, 110 without or with STLS",
        ) from error
    assert isinstance(greeting, Greeting)
    if not greeting.status.is_ok:
        session.abort()
        if is_for_now(greeting.status) and session.stream.may_carry_secrets:
            raise refused(endpoint, "the connection", greeting.status)
        raise ConnectionLost(f"{endpoint} turned us away: {session.quoted(greeting.status)}")
    return greeting


def _silent(error: ConnectionLost, endpoint: Endpoint) -> ConnectionLost:
    hint = error.hint
    if endpoint.tls is not TlsMode.IMPLICIT:
        hint = 'if this port speaks TLS from the start, set tls = "implicit"'
    return ConnectionLost(f"{error} instead of a greeting", hint=hint)


def ask_capabilities(session: Session) -> Capabilities:
    """Ask CAPA (RFC 2449); a server that does not know it offers nothing."""
    listing = session.listing(commands.CAPA)
    return Capabilities() if listing is None else parse_capabilities(listing)


def start_tls(session: Session) -> None:
    """Insist on STLS (RFC 2595 4), then forget everything said before."""
    # Servers of old know STLS without listing it, so the answer decides, and not CAPA.
    if not session.run(commands.STLS).status.is_ok:
        raise TlsRefused(
            f"{session.endpoint} does not offer STLS",
            hint='try tls = "implicit", port 995; if STLS worked before, beware',
        )
    try:
        session.connection.secured()
    except ProtocolViolation as error:
        raise injected(session.endpoint) from error
    session.stream.start_tls()


def log_in(
    session: Session, login: Login, offered: Capabilities, timestamp: bytes | None
) -> None:
    """Prove who we are by the best means both sides know; once, whatever the answer.

    Raises:
        LoginRefused: the server does not accept user and password.
        ServerBusy: it takes no logins now, or another program reads the mailbox.
        TlsRefused: nothing can be used without showing the password to others.
    """
    secret = _Once(login.secret)
    known = Login(login.user, secret, login.mechanism)
    if login.mechanism == "apop":
        mechanism, status = None, _apop(session, known, timestamp)
    else:
        mechanism, status = _by_best(session, known, offered)
    if not status.is_ok:
        refusal = login_refused(session.endpoint, status, secret.spoken)
        raise sasl.explained(mechanism, refusal)


def _by_best(
    session: Session, login: Login, offered: Capabilities
) -> tuple[sasl.Exchange | None, Status]:
    mechanism = sasl.choose(
        login,
        offered.mechanisms,
        is_private=session.stream.is_private,
        may_carry_secrets=session.stream.may_carry_secrets,
        may_use_command="USER" in offered or not offered.mechanisms,
    )
    if mechanism is None:
        return None, _user_and_pass(session, login)
    status = _authenticate(session, mechanism)
    log.debug("%s: asked by %s", session.endpoint, mechanism.name)
    return mechanism, status


class _Once:
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
        return self._secret or ""


def _user_and_pass(session: Session, login: Login) -> Status:
    try:
        user, password = commands.user(login.user), commands.password(login.secret())
    except ValueError:  # its text may show what could not be said
        raise LoginRefused(
            "POP3 cannot carry this user name or password: it holds a blank or a line end"
        ) from None
    answer = session.run(user)
    return session.run(password).status if answer.status.is_ok else answer.status


def _apop(session: Session, login: Login, timestamp: bytes | None) -> Status:
    if timestamp is None:
        raise LoginRefused(
            f"{session.endpoint} gives no timestamp for apop"
            + (" that came in private" if session.endpoint.tls is TlsMode.STARTTLS else ""),
            hint='use auth = "auto"',
        )
    signed = timestamp + login.secret().encode()
    proof = hashlib.md5(signed, usedforsecurity=False).hexdigest()
    try:
        return session.run(commands.apop(login.user, proof)).status
    except ValueError:
        raise LoginRefused("POP3 cannot carry this user name") from None


def _authenticate(session: Session, mechanism: sasl.Exchange) -> Status:
    """One SASL exchange (RFC 5034 4): with its first response in the command if that is short.

    Outlook takes XOAUTH2 only in two steps, and a token does not fit into a line anyway;
    whoever refuses the bare command has not seen the secret yet and gets it in one step.
    """
    initial = mechanism.initial
    whole = commands.auth(mechanism.name, initial)
    if initial is None or len(whole.line) <= commands.LONGEST:
        session.send(whole)
        return _exchange(session, mechanism)
    session.send(commands.auth(mechanism.name))
    answer = session.challenge()
    if isinstance(answer, Challenge):
        session.connection.respond(initial)
        session.flush()
    elif answer.status.is_ok:
        raise _unproven(session, mechanism)
    elif answer.status.code is not None:  # it is the login that was refused, not the form
        return answer.status
    else:
        session.send(whole)
    return _exchange(session, mechanism)


def _exchange(session: Session, mechanism: sasl.Exchange) -> Status:
    while True:
        answer = session.challenge()
        if isinstance(answer, Response):
            if answer.status.is_ok and not mechanism.is_proven:
                raise _unproven(session, mechanism)
            return answer.status
        try:
            session.connection.respond(mechanism.respond(_decoded(answer.text)))
        except MailvaultError:
            session.abort()
            raise
        session.flush()


def _unproven(session: Session, mechanism: sasl.Exchange) -> ProtocolViolation:
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
