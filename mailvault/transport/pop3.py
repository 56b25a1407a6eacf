"""The POP3 client: blocking, one thread each, pipelined where the server can (RFC 2449 6.8).

Nothing is deleted but by `delete` followed by `quit`; every other way out deletes nothing
(RFC 1939 6).
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mailvault.errors import MailvaultError, ProtocolViolation
from mailvault.mail.model import Octets
from mailvault.protocols.pop3 import commands
from mailvault.protocols.pop3.commands import Command
from mailvault.protocols.pop3.connection import Connection
from mailvault.protocols.pop3.listings import (
    Capabilities,
    Listing,
    parse_count,
    parse_sizes,
    parse_uidls,
)
from mailvault.protocols.pop3.types import Limits, Response
from mailvault.transport import pop3_login
from mailvault.transport.allowance import Allowance
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.pop3_refusals import is_for_now, refused
from mailvault.transport.pop3_session import Session, octets_of, said
from mailvault.transport.printable import printable
from mailvault.transport.refusals import suggested_wait
from mailvault.transport.spool import spooling
from mailvault.transport.stream import Stream

LARGEST_MESSAGE = 4 << 30
DEPTH = 64
"""Commands in flight where the server does PIPELINING; their lines fill no buffer."""

FRUGAL = 4
"""Commands in flight where a day has its limit: what was asked for still comes."""

MOST_MESSAGES = 2_000_000


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The answer to one RETR or TOP; ``octets`` is None where ``refusal`` says why.

    ``is_for_now``: the server means that asking again later may help.
    """

    number: int
    octets: Octets | None
    refusal: str | None = None
    is_for_now: bool = False


class Pop3Client:
    """A session that is logged in. A context manager: leaving it says QUIT."""

    def __init__(
        self, session: Session, greeting_text: str, capabilities: Capabilities
    ) -> None:
        self._session = session
        self.greeting_text = greeting_text
        self.capabilities = capabilities

    @classmethod
    def connect(
        cls,
        endpoint: Endpoint,
        login: Login,
        spool_folder: Path | None,
        *,
        max_message: int = LARGEST_MESSAGE,
    ) -> "Pop3Client":
        """Connect, be private, log in and learn what is offered.

        Messages above 1 MiB go through files in `spool_folder`; None keeps all in memory.
        Raises as `ImapClient.connect` does.
        """
        stream = Stream.connect(endpoint)
        connection = Connection(
            is_private=stream.is_private,
            limits=Limits(message=max_message),
            open_sink=spooling(spool_folder),
        )
        if endpoint.tls is TlsMode.NONE:  # `Stream.connect` has agreed to it
            connection.allow_plaintext()
        session = Session(stream, connection)
        try:
            return cls(session, *_begin(session, login))
        except BaseException:
            session.abort()
            raise

    def __enter__(self) -> "Pop3Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if kind is None:
            self.logout()
        self.abort()

    @property
    def is_pipelined(self) -> bool:
        return "PIPELINING" in self.capabilities

    def listing(self) -> Listing:
        """List the messages with sizes and unique-ids.

        Raises:
            ServerRefused: the server does not even tell how many there are.
        """
        asked = (commands.STAT, commands.LIST, commands.UIDL)
        stat, sizes, uidls = self._run_all(iter(asked))
        if not stat.status.is_ok:
            raise refused(self._session.endpoint, "STAT", stat.status)
        count = parse_count(stat.status.text) or 0
        listed = octets_of(sizes.octets)
        if count > MOST_MESSAGES:
            raise ProtocolViolation(f"the server claims to have {count} messages")
        named = octets_of(uidls.octets)
        return Listing(
            {} if listed is None else parse_sizes(listed),
            None if named is None else parse_uidls(named),
            count,
        )

    def retrieve(self, numbers: Iterable[int]) -> Iterator[Retrieved]:
        """Fetch messages, in that order, one result each. Servers may mark them as read."""
        allowance = self._session.endpoint.allowance
        asked = map(commands.retr, numbers)
        return (
            self._octets_of_each(asked) if allowance is None else self._within(allowance, asked)
        )

    def _within(self, allowance: Allowance, asked: Iterator[Command]) -> Iterator[Retrieved]:
        """Ask as long as the day's allowance lasts; what was asked for still comes."""
        left: list[Command] = []

        def affordable() -> Iterator[Command]:
            for command in asked:
                if allowance.is_spent:
                    left.append(command)
                    return
                yield command

        yield from self._octets_of_each(affordable())
        if left:
            allowance.check()

    def tops(self, numbers: Iterable[int]) -> Iterator[Retrieved]:
        """Fetch the headers of messages, in that order, one result each."""
        return self._octets_of_each(map(commands.top, numbers))

    def delete(self, numbers: Iterable[int]) -> list[int]:
        """Mark messages to be deleted by `quit`; give those the server agreed to."""
        answers = self._run_all(map(commands.dele, numbers))
        return [each.command.number for each in answers if each.status.is_ok]

    def quit(self) -> bool:
        """End the session and make deletions real; False if the server says -ERR.

        Raises:
            ConnectionLost: nobody knows whether it did (RFC 1939 6).
        """
        try:
            return self._session.run(commands.QUIT).status.is_ok
        finally:
            self._session.abort()

    def noop(self) -> None:
        """Keep the session alive. Raises ServerRefused."""
        status = self._session.run(commands.NOOP).status
        if not status.is_ok:
            raise refused(self._session.endpoint, "NOOP", status)

    def logout(self) -> None:
        """Say QUIT where nothing is to be deleted. Never raises, and does not wait long."""
        session = self._session
        try:
            if not session.stream.is_broken and not session.connection.in_flight:
                session.send(commands.QUIT)
                session.response(session.endpoint.timeouts.logout)
        except (MailvaultError, ValueError):
            pass  # it is over, one way or the other
        finally:
            session.abort()

    def abort(self) -> None:
        """Close without a word: the server deletes nothing. Idempotent."""
        self._session.abort()

    def _octets_of_each(self, asked: Iterator[Command]) -> Iterator[Retrieved]:
        for answer in self._run_all(asked):
            number = answer.command.number
            if answer.status.is_ok:
                yield Retrieved(number, answer.octets)
            elif suggested_wait(answer.status.text) is not None:  # our haste, not the message
                raise refused(self._session.endpoint, "RETR", answer.status)
            else:
                for_now = is_for_now(answer.status)
                yield Retrieved(number, None, said(answer.status), for_now)

    def _depth(self) -> int:
        allowance = self._session.endpoint.allowance
        if not self.is_pipelined:
            return 1
        return FRUGAL if allowance is not None and allowance.is_limited else DEPTH

    def _run_all(self, asked: Iterator[Command]) -> Iterator[Response]:
        """Run commands, as many at a time as the server allows, and yield the answers."""
        depth = self._depth()
        in_flight: deque[Command] = deque()
        while True:
            # Refilled by halves: fewer, fuller packets.
            if len(in_flight) <= depth // 2:
                more = list(islice(asked, depth - len(in_flight)))
                in_flight += more
                if more:
                    self._session.send(*more)
            if not in_flight:
                return
            in_flight.popleft()
            yield self._session.response()


def _begin(session: Session, login: Login) -> tuple[str, Capabilities]:
    greeting = pop3_login.greet(session)
    timestamp: bytes | None = greeting.timestamp
    text = printable(greeting.status.text)
    if session.endpoint.tls is TlsMode.STARTTLS:
        pop3_login.start_tls(session)
        timestamp, text = None, ""  # anybody on the way may have written it
    offered = pop3_login.ask_capabilities(session)
    if "UTF8" in offered:
        # RFC 6856 2: before the login. Courier puts mail with 8-bit headers into a wrapper
        # for clients that did not say it.
        session.run(commands.UTF8)
    pop3_login.log_in(session, login, offered, timestamp)
    if offered.is_told:
        offered = pop3_login.ask_capabilities(session)
    return text, offered
