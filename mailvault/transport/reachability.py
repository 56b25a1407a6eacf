"""Reaches a server as far as one gets without logging in: TCP, TLS, greeting, capabilities."""

from mailvault.protocols.imap import commands
from mailvault.protocols.imap.connection import Connection as ImapConnection
from mailvault.protocols.pop3.connection import Connection as Pop3Connection
from mailvault.transport import imap_login, pop3_login
from mailvault.transport.endpoint import Endpoint, TlsMode
from mailvault.transport.imap_session import Session as ImapSession
from mailvault.transport.pop3_session import Session as Pop3Session
from mailvault.transport.stream import Stream


def reach_imap(endpoint: Endpoint) -> list[str]:
    """The capabilities before a login. Raises SourceError."""
    stream = Stream.connect(endpoint)
    session = ImapSession(stream, ImapConnection(is_private=stream.is_private))
    try:
        imap_login.greet(session)
        if endpoint.tls is TlsMode.STARTTLS:
            imap_login.start_tls(session)
        session.complete(commands.capability())
        return sorted(session.connection.capabilities)
    finally:
        session.abort()


def reach_pop3(endpoint: Endpoint) -> list[str]:
    """As `reach_imap`."""
    stream = Stream.connect(endpoint)
    session = Pop3Session(stream, Pop3Connection(is_private=stream.is_private))
    try:
        pop3_login.greet(session)
        if endpoint.tls is TlsMode.STARTTLS:
            pop3_login.start_tls(session)
        return sorted(pop3_login.ask_capabilities(session).arguments)
    finally:
        session.abort()
