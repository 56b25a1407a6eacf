"""A scripted POP3 server: what it answers to which command, in private or not."""

import ssl
from collections.abc import Mapping

from tests.unit.transport.scripted import Peer, Script, ScriptedServer

GREETING = b"+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n"
CAPA = b"+OK\r\nUIDL\r\nUSER\r\n.\r\n"


def serve(peer: Peer, replies: Mapping[bytes, bytes]) -> None:
    answers: dict[bytes, bytes] = {b"CAPA": CAPA, **replies}
    while True:
        line = peer.line()
        matching = [begin for begin in answers if line.startswith(begin)]
        peer.say(answers[max(matching, key=len)] if matching else b"+OK\r\n")


def pop3(replies: Mapping[bytes, bytes], greeting: bytes = GREETING) -> ScriptedServer:
    def script(peer: Peer) -> None:
        peer.say(greeting)
        serve(peer, replies)

    return ScriptedServer(script)


def pop3s(context: ssl.SSLContext) -> Script:
    """The script of a server that speaks TLS from the first octet."""

    def script(peer: Peer) -> None:
        peer.start_tls(context)
        peer.say(GREETING)
        serve(peer, {})

    return script


def upgrading(context: ssl.SSLContext) -> Script:
    """The script of an honest server with STLS."""

    def script(peer: Peer) -> None:
        peer.say(GREETING)
        assert peer.line() == b"STLS"
        peer.say(b"+OK begin\r\n")
        peer.start_tls(context)
        serve(peer, {})

    return script
