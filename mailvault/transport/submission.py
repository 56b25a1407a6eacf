"""Hands a message to a mail server (RFC 6409), privately and logged in where that is asked.

smtplib does the talking; what is demanded of TLS and of a login is decided here. A server
that cannot STARTTLS gets nothing: there is no falling back.
"""

import smtplib
import socket
import ssl
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from mailvault.errors import (
    ConnectionLost,
    LoginRefused,
    ProtocolViolation,
    ServerBusy,
    ServerRefused,
    TlsRefused,
)
from mailvault.transport import tls
from mailvault.transport.bearer import XOAuth2
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.printable import printable
from mailvault.transport.sasl import Exchange, LoginMechanism, Plain

_CHALLENGE, _DONE = 334, 235


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in, and as whom; without a login it must trust us anyway."""

    endpoint: Endpoint
    login: Login | None = None


def submit(
    server: MailServer, message: EmailMessage, sender: str, recipients: Sequence[str]
) -> None:
    """Hand in one message.

    Raises:
        SourceError: it was not taken, or not by all.
        ConfigurationError: a certificate authority or a secret cannot be read.
    """
    endpoint = server.endpoint
    try:
        with _connected(endpoint) as smtp:
            if server.login is not None:
                _log_in(smtp, endpoint, server.login)
            refused = smtp.send_message(message, sender, list(recipients))
    except smtplib.SMTPRecipientsRefused as error:
        raise _not_for(endpoint, error.recipients) from None
    except smtplib.SMTPResponseException as error:
        raise _refusal(endpoint, error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPServerDisconnected as error:
        raise ConnectionLost(
            f"{endpoint} ended the connection: {printable(str(error))}"
        ) from None
    except smtplib.SMTPException as error:
        raise ServerRefused(f"{endpoint}: {printable(str(error))}") from None
    except ssl.SSLError as error:
        raise tls.explained(error, endpoint) from error
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise ConnectionLost(f"{endpoint} cannot be reached: {printable(reason)}") from error
    if refused:
        raise _not_for(endpoint, refused)


def _connected(endpoint: Endpoint) -> smtplib.SMTP:
    wait = endpoint.timeouts.command
    if endpoint.tls is TlsMode.IMPLICIT:
        context = tls.demanding(endpoint.ca_file)
        return smtplib.SMTP_SSL(
            endpoint.host, endpoint.port, _own_name(), timeout=wait, context=context
        )
    smtp = smtplib.SMTP(endpoint.host, endpoint.port, _own_name(), timeout=wait)
    try:
        if endpoint.tls is TlsMode.STARTTLS:
            smtp.ehlo_or_helo_if_needed()
            if not smtp.has_extn("starttls"):
                raise TlsRefused(
                    f"{endpoint} has no STARTTLS, so nothing was sent to it",
                    hint='is smtp_tls = "implicit" and port 465 meant?',
                )
            smtp.starttls(context=tls.demanding(endpoint.ca_file))
    except BaseException:
        smtp.close()
        raise
    return smtp


def _log_in(smtp: smtplib.SMTP, endpoint: Endpoint, login: Login) -> None:
    smtp.ehlo_or_helo_if_needed()
    offered = str(smtp.esmtp_features.get("auth", "")).upper().split()
    exchange = _exchange(login, offered, endpoint)
    initial = exchange.initial
    words = exchange.name if initial is None else f"{exchange.name} {_encoded(initial)}"
    code, answer = smtp.docmd("AUTH", words)
    while code == _CHALLENGE:
        try:
            challenge = b64decode(answer)
        except NotBase64:
            raise ProtocolViolation(f"{endpoint} sends a challenge that is no base64") from None
        code, answer = smtp.docmd(_encoded(exchange.respond(challenge)))
    if code == _DONE:
        return
    if 400 <= code < 500 or code == 421:
        raise ServerBusy(f"{endpoint} lets nobody log in now ({code})", hint="try again later")
    raise LoginRefused(
        f"{endpoint} refuses the login of {login.user} ({code})",
        hint="check smtp_user and the password, or sign in again: mailvault login ACCOUNT",
    )


def _exchange(login: Login, offered: Sequence[str], endpoint: Endpoint) -> Exchange:
    wanted = {"auto": ("PLAIN", "LOGIN")}.get(login.mechanism, (login.mechanism.upper(),))
    for name in wanted:
        if name in offered:
            return _MECHANISMS[name](login.user, login.secret)
    raise LoginRefused(
        f"{endpoint} offers no {' or '.join(wanted)}; it offers {' '.join(offered) or 'none'}",
        hint="many servers let nobody log in before TLS; leave out smtp_user if none is needed",
    )


_MECHANISMS: dict[str, Callable[[str, Callable[[], str]], Exchange]] = {
    "PLAIN": Plain,
    "LOGIN": LoginMechanism,
    "XOAUTH2": XOAuth2,
}


def _encoded(octets: bytes) -> str:
    return b64encode(octets).decode()


def _not_for(endpoint: Endpoint, refused: dict[str, tuple[int, bytes]]) -> ServerRefused:
    code, answer = next(iter(refused.values()))
    said = f"{len(refused)} of the recipients ({code} {printable(answer)})"
    return ServerRefused(f"{endpoint} does not take mail for {said}", hint="check email_to")


def _refusal(endpoint: Endpoint, code: int, answer: bytes | str) -> ServerRefused:
    said = f"{endpoint} does not take the mail: {code} {printable(answer)}"
    return ServerBusy(said) if 400 <= code < 500 else ServerRefused(said)


def _own_name() -> str:
    """Our name in EHLO without asking the name server, which may take long (RFC 5321 4.1.4)."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
