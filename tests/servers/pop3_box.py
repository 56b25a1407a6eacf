"""A POP3 server on loopback that can be as odd and as hostile as a test wants it to be."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.unit.transport.scripted import Peer, ScriptedServer

CAPABILITIES = ("TOP", "UIDL", "USER", "PIPELINING", "RESP-CODES")

Names = Callable[[int, list[str]], list[str | None] | None]
"""From the number of the session and the true names: what UIDL shows; None is -ERR."""


def true_names(_session: int, uidls: list[str]) -> list[str | None] | None:
    return list(uidls)


@dataclass(slots=True)
class Box:
    """A mailbox, and how its server behaves. ``messages`` are by their true names."""

    messages: dict[str, bytes]
    capabilities: tuple[str, ...] = CAPABILITIES
    greeting: bytes = b"+OK ready\r\n"
    names: Names = true_names
    shows: int | None = None  # so many messages a session
    hides_fetched: bool = False  # what was fetched is not listed again after QUIT
    stuffs: bool = True
    quits: str = "+OK"  # or "-ERR", "deletes and hangs up", "hangs up"
    refuses: frozenset[str] = frozenset()
    refusal: bytes = b"it is not to be had"
    login: bytes = b"+OK\r\n"  # the answer to PASS
    hangs_up_at: str | None = None
    size_of: Callable[[bytes], int] = len
    uidl_line: bytes = b"%d %s\r\n"
    lies_in_top: bool = False
    commands: list[bytes] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    sessions: int = 0
    fetched: set[str] = field(default_factory=set)

    def serve(self) -> ScriptedServer:
        return ScriptedServer(lambda peer: _Session(self, peer).run())

    def said(self, verb: bytes) -> int:
        return sum(1 for command in self.commands if command.upper().startswith(verb))


class _Over(Exception):
    pass


class _Session:
    def __init__(self, box: Box, peer: Peer) -> None:
        self._box = box
        self._peer = peer
        box.sessions += 1
        hidden = box.fetched if box.hides_fetched else set()
        self._listed = [uidl for uidl in box.messages if uidl not in hidden][: box.shows]
        self._fetched: set[str] = set()
        self._doomed: list[str] = []

    def run(self) -> None:
        self._peer.say(self._box.greeting)
        try:
            while True:
                line = self._peer.line()
                self._box.commands.append(line)
                verb, *words = line.split()
                answer = getattr(self, f"_{verb.decode().lower()}", None)
                self._peer.say(answer(*words) if answer else b"-ERR what?\r\n")
        except _Over:
            return

    def _capa(self) -> bytes:
        if not self._box.capabilities:
            return b"-ERR what?\r\n"
        lines = "".join(f"{each}\r\n" for each in self._box.capabilities)
        return b"+OK\r\n" + lines.encode() + b".\r\n"

    def _user(self, *_name: bytes) -> bytes:
        return b"+OK\r\n"

    def _pass(self, *_words: bytes) -> bytes:
        return self._box.login

    def _stat(self) -> bytes:
        sizes = [self._box.size_of(self._octets(uidl)) for uidl in self._listed]
        return b"+OK %d %d\r\n" % (len(sizes), sum(sizes))

    def _list(self) -> bytes:
        lines = (
            b"%d %d\r\n" % (number, self._box.size_of(self._octets(uidl)))
            for number, uidl in enumerate(self._listed, 1)
        )
        return b"+OK\r\n" + b"".join(lines) + b".\r\n"

    def _uidl(self) -> bytes:
        shown = self._box.names(self._box.sessions, self._listed)
        if shown is None:
            return b"-ERR what?\r\n"
        lines = (
            self._box.uidl_line % (number, name.encode())
            for number, name in enumerate(shown, 1)
            if name is not None
        )
        return b"+OK\r\n" + b"".join(lines) + b".\r\n"

    def _retr(self, number: bytes) -> bytes:
        uidl = self._listed[int(number) - 1]
        if uidl in self._box.refuses:
            return b"-ERR %s\r\n" % self._box.refusal
        octets = self._wire(self._octets(uidl))
        if uidl == self._box.hangs_up_at:
            self._peer.say(b"+OK\r\n" + octets[: len(octets) // 2])
            raise _Over
        self._fetched.add(uidl)
        return b"+OK\r\n" + octets

    def _top(self, number: bytes, _lines: bytes) -> bytes:
        octets = self._octets(self._listed[int(number) - 1])
        head, _, _ = octets.partition(b"\r\n\r\n")
        lie = b"X-Added: by the server\r\n" if self._box.lies_in_top else b""
        return b"+OK\r\n" + self._wire(lie + head + b"\r\n\r\n")

    def _dele(self, number: bytes) -> bytes:
        self._doomed.append(self._listed[int(number) - 1])
        return b"+OK\r\n"

    def _noop(self) -> bytes:
        return b"+OK\r\n"

    def _quit(self) -> bytes:
        box = self._box
        if box.quits != "hangs up" or not self._doomed:
            for uidl in self._doomed[: 1 if box.quits == "-ERR" else None]:
                del box.messages[uidl]
                box.deleted.append(uidl)
        box.fetched |= self._fetched
        if self._doomed and box.quits not in ("+OK", "-ERR"):
            raise _Over
        is_error = self._doomed and box.quits == "-ERR"
        self._peer.say(b"-ERR some are left\r\n" if is_error else b"+OK bye\r\n")
        raise _Over

    def _octets(self, uidl: str) -> bytes:
        return self._box.messages[uidl]

    def _wire(self, octets: bytes) -> bytes:
        if octets and not octets.endswith(b"\r\n"):
            octets += b"\r\n"
        if self._box.stuffs:
            octets = (b"\r\n" + octets).replace(b"\r\n.", b"\r\n..")[2:]
        return octets + b".\r\n"
