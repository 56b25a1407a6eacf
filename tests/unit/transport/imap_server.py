"""A scripted IMAP server: what it answers to which command, in private or not."""

import ssl
from collections.abc import Mapping

from mailvault.transport.endpoint import Endpoint, Login, Timeouts, TlsMode
from tests.unit.transport.scripted import HOST, Peer, Script, ScriptedServer

GREETING = b"* OK ready\r\n"
PASSWORD = "hunter2"
QUICK = Timeouts(connect=2, tls=2, greeting=1, command=1, logout=0.5)

USUAL: Mapping[bytes, bytes] = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\nTAG OK done\r\n",
    b"AUTHENTICATE PLAIN": b"TAG OK welcome\r\n",
    b"EXAMINE": (
        b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 10] next\r\nTAG OK done\r\n"
    ),
    b"LIST": b'* LIST () "/" INBOX\r\nTAG OK done\r\n',
    b"LOGOUT": b"* BYE bye\r\nTAG OK done\r\n",
}

Replies = Mapping[bytes, bytes]


def serve(peer: Peer, replies: Replies) -> None:
    """Answer each command by the longest matching reply, or else with OK."""
    answers = {**USUAL, **replies}
    while True:
        tag, _, command = peer.line().partition(b" ")
        matching = [begin for begin in answers if command.startswith(begin)]
        reply = answers[max(matching, key=len)] if matching else b"TAG OK done\r\n"
        peer.say(reply.replace(b"TAG", tag))


def imap(replies: Replies | None = None, *, greeting: bytes = GREETING) -> ScriptedServer:
    """An IMAP server without TLS."""

    def script(peer: Peer) -> None:
        peer.say(greeting)
        serve(peer, replies or {})

    return ScriptedServer(script)


def imaps(context: ssl.SSLContext, greeting: bytes = GREETING) -> Script:
    """The script of a server that speaks TLS from the first octet."""

    def script(peer: Peer) -> None:
        peer.start_tls(context)
        peer.say(greeting)
        serve(peer, {})

    return script


def loopback(server: ScriptedServer, timeouts: Timeouts = QUICK) -> Endpoint:
    return Endpoint(HOST, server.port, TlsMode.NONE, timeouts=timeouts)


def login(mechanism: str = "auto", password: str = PASSWORD) -> Login:
    return Login("tim", lambda: password, mechanism)
