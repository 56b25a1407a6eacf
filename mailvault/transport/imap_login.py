"""From an open socket to an IMAP session that is logged in: STARTTLS, SASL, extensions."""

import logging
from collections.abc import Callable

from mailvault import __version__
from mailvault.errors import ConnectionLost, LoginRefused, ServerBusy, TlsRefused
from mailvault.protocols.imap import commands
from mailvault.protocols.imap.types import Condition, Greeting, Id, Tagged
from mailvault.transport import sasl
from mailvault.transport.authentication import Once, exchange, first_words
from mailvault.transport.endpoint import Login
from mailvault.transport.imap_refusals import is_for_now, login_refused
from mailvault.transport.imap_session import Session
from mailvault.transport.printable import printable
from mailvault.transport.refusals import suggested_wait

log = logging.getLogger(__name__)


def greet(session: Session) -> Greeting:
    """Wait for the greeting and decide whether to go on."""
    endpoint = session.endpoint
    ports = "993 is IMAP with TLS, 143 without or with STARTTLS"
    greeting, _ = first_words(session, "an IMAP", ports)
    assert isinstance(greeting, Greeting)
    if greeting.condition is Condition.BYE:
        what = f"{endpoint} turned us away: {session.quoted(greeting)}"
        if session.stream.may_carry_secrets and is_for_now(greeting):
            raise ServerBusy(
                what, hint="try again later", retry_after=suggested_wait(greeting.text)
            )
        raise ConnectionLost(what)
    if greeting.condition is Condition.PREAUTH and not session.stream.may_carry_secrets:
        # CVE-2020-14093: STARTTLS is not allowed any more in this state.
        raise TlsRefused(
            f"{endpoint} claims that we are logged in already, which rules out STARTTLS",
            hint='somebody may be meddling with the connection; use tls = "implicit"',
        )
    return greeting


def start_tls(session: Session) -> None:
    """Insist on STARTTLS (RFC 9051 6.2.1)."""
    if not session.connection.capabilities:
        session.complete(commands.capability())
    if not session.offers("STARTTLS"):
        raise _no_starttls(session)
    if not session.finish(session.send(commands.starttls())).is_ok:
        raise _no_starttls(session)
    session.start_tls()


def _no_starttls(session: Session) -> TlsRefused:
    return TlsRefused(
        f"{session.endpoint} does not offer STARTTLS",
        hint='try tls = "implicit", port 993; if STARTTLS worked before, beware',
    )


def log_in(session: Session, login: Login) -> None:
    """Prove who we are by the best means both sides know.

    Raises:
        LoginRefused: the server does not accept user and password.
        ServerBusy: it takes no logins now.
        TlsRefused: nothing can be used without showing the password to others.
    """
    if not session.connection.capabilities:
        session.run(commands.capability())
    secret = Once(login.secret)
    mechanism = sasl.choose(
        Login(login.user, secret, login.mechanism),
        _mechanisms(session),
        is_private=session.stream.is_private,
        may_carry_secrets=session.stream.may_carry_secrets,
        may_use_command=not session.offers("LOGINDISABLED"),
    )
    if mechanism is None:
        tagged = _command(session, login.user, secret)
    else:
        tagged = _authenticate(session, mechanism)
    if not tagged.is_ok:
        raise sasl.explained(mechanism, login_refused(session.endpoint, tagged, secret.spoken))
    log.debug("%s: logged in by %s", session.endpoint, mechanism.name if mechanism else "LOGIN")


def _mechanisms(session: Session) -> frozenset[str]:
    offered = session.connection.capabilities
    return frozenset(name[5:] for name in offered if name.startswith("AUTH="))


def _command(session: Session, user: str, secret: Callable[[], str]) -> Tagged:
    try:
        command = commands.login(user, secret())
        return session.finish(session.send(command))
    except ValueError:  # its text may show what could not be said
        raise LoginRefused(
            "IMAP cannot carry a user name or password with a NUL in it"
        ) from None


def _authenticate(session: Session, mechanism: sasl.Exchange) -> Tagged:
    tag = session.send(commands.authenticate(mechanism.name, mechanism.initial))

    def turn() -> bytes | Tagged:
        answer = session.challenge(tag)
        return answer if isinstance(answer, Tagged) else answer.text

    return exchange(session, mechanism, turn)


def set_up(session: Session) -> dict[str, str]:
    """Learn what is offered to this user, and switch on what makes a sync cheap.

    Return what the server says of itself (RFC 2971).
    """
    if not session.connection.capabilities:
        session.run(commands.capability())
    # A server may refuse either: they are no more than comfort.
    if session.offers("ENABLE", "QRESYNC"):
        session.complete(commands.enable("QRESYNC"))
    if not session.offers("ID"):
        return {}
    values, _ = session.complete(commands.identify(_OURSELVES))
    fields = [field for value in values if isinstance(value, Id) for field in value.fields]
    return {printable(key): printable(text) for key, text in fields if text is not None}


_OURSELVES = (("name", "mailvault"), ("version", __version__))


def compress(session: Session) -> None:
    """Deflate both directions (RFC 4978) where it saves a network something."""
    if not session.offers("COMPRESS=DEFLATE") or session.stream.is_loopback:
        return
    if session.finish(session.send(commands.compress())).is_ok:
        session.stream.start_deflate(session.connection.unread())
