"""From an open socket to a POP3 session that is logged in: greeting, STLS, APOP, SASL."""

import hashlib
import logging

from mailvault.errors import ConnectionLost, LoginRefused, TlsRefused
from mailvault.protocols.pop3 import commands
from mailvault.protocols.pop3.listings import Capabilities, parse_capabilities
from mailvault.protocols.pop3.types import Greeting, Status
from mailvault.transport import sasl
from mailvault.transport.authentication import Once, exchange, first_words, unproven
from mailvault.transport.endpoint import Login, TlsMode
from mailvault.transport.pop3_refusals import is_for_now, login_refused, refused
from mailvault.transport.pop3_session import Session

log = logging.getLogger(__name__)


def greet(session: Session) -> Greeting:
    """Wait for the greeting and decide whether to go on."""
    endpoint = session.endpoint
    greeting = first_words(session, "a POP3", "995 is POP3 with TLS, 110 without or with STLS")
    assert isinstance(greeting, Greeting)
    if not greeting.status.is_ok:
        session.abort()
        if is_for_now(greeting.status) and session.stream.may_carry_secrets:
            raise refused(endpoint, "the connection", greeting.status)
        raise ConnectionLost(f"{endpoint} turned us away: {session.quoted(greeting.status)}")
    return greeting


def ask_capabilities(session: Session) -> Capabilities:
    """Ask CAPA (RFC 2449); a server that does not know it offers nothing."""
    listing = session.listing(commands.CAPA)
    return Capabilities() if listing is None else parse_capabilities(listing)


def start_tls(session: Session) -> None:
    """Insist on STLS (RFC 2595 4)."""
    # Servers of old know STLS without listing it, so the answer decides, and not CAPA.
    if not session.run(commands.STLS).status.is_ok:
        raise TlsRefused(
            f"{session.endpoint} does not offer STLS",
            hint='try tls = "implicit", port 995; if STLS worked before, beware',
        )
    session.start_tls()


def log_in(
    session: Session, login: Login, offered: Capabilities, timestamp: bytes | None
) -> None:
    """Prove who we are by the best means both sides know; once, whatever the answer.

    Raises:
        LoginRefused: the server does not accept user and password.
        ServerBusy: it takes no logins now, or another program reads the mailbox.
        TlsRefused: nothing can be used without showing the password to others.
    """
    secret = Once(login.secret)
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
        return exchange(session, mechanism, session.turn)
    session.send(commands.auth(mechanism.name))
    said = session.turn()
    if isinstance(said, bytes):
        session.respond(initial)
    elif said.is_ok:
        raise unproven(session, mechanism)
    elif said.code is not None:  # it is the login that was refused, not the form
        return said
    else:
        session.send(whole)
    return exchange(session, mechanism, session.turn)
