"""The IMAP client: blocking, one thread each, and read-only but for `expunge`.

It opens mailboxes with EXAMINE and reads with BODY.PEEK[] alone, so that nothing else it does
changes anything on the server (RFC 9051 6.3.3, 6.4.5).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic
from typing import ClassVar, Self

from mailvault.errors import MailvaultError
from mailvault.mail.model import MailboxState, Uid
from mailvault.protocols.imap import commands
from mailvault.protocols.imap.connection import Connection
from mailvault.protocols.imap.states import WRITING
from mailvault.protocols.imap.types import (
    Condition,
    ESearch,
    Exists,
    Expunge,
    Fetch,
    Limits,
    Search,
    Tagged,
    Vanished,
)
from mailvault.protocols.imap.uidset import EMPTY, MAXIMUM, UidSet
from mailvault.transport import (
    imap_fetch,
    imap_listing,
    imap_login,
    imap_removing,
    imap_searching,
    imap_selecting,
)
from mailvault.transport.endpoint import Endpoint, Login, TlsMode
from mailvault.transport.imap_refusals import refused
from mailvault.transport.imap_session import Session
from mailvault.transport.imap_values import Fetched, FetchedSet, ListedMailbox, Selected
from mailvault.transport.printable import printable
from mailvault.transport.spool import spooling
from mailvault.transport.stream import Stream

LARGEST_MESSAGE = 4 << 30


class ImapClient:
    """A session that is logged in. A context manager: leaving it logs out."""

    forbidden: ClassVar = WRITING
    """What no connection of this class can be made to send."""

    def __init__(self, session: Session, server_id: dict[str, str]) -> None:
        self._session = session
        self._tells_uidnext = True
        self.server_id = server_id
        self.vanished = EMPTY  # what the last `fetch_flags` was told of

    @classmethod
    def connect(
        cls,
        endpoint: Endpoint,
        login: Login,
        spool_folder: Path | None,
        *,
        max_message: int = LARGEST_MESSAGE,
    ) -> Self:
        """Connect, be private, log in and learn what is offered.

        Messages above 1 MiB go through files in `spool_folder`; None keeps all in memory.

        Raises:
            ConnectionLost: the server cannot be reached, went away or fell silent.
            TlsRefused: the connection could not be made private; no secret was sent.
            LoginRefused: the server does not accept user and password.
            ServerRefused: it is busy, or says no to something else.
        """
        stream = Stream.connect(endpoint)
        connection = Connection(
            is_private=stream.is_private,
            limits=Limits(message=max_message),
            open_sink=spooling(spool_folder),
            forbidden=cls.forbidden,
        )
        if endpoint.tls is TlsMode.NONE:  # `Stream.connect` has agreed to it
            connection.allow_plaintext()
        session = Session(stream, connection)
        try:
            return cls(session, _begin(session, login))
        except BaseException:
            session.abort()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if kind is None:
            self.logout()
        self._session.abort()

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server offers to this user, in upper case."""
        return self._session.connection.capabilities

    @property
    def enabled(self) -> frozenset[str]:
        """The extensions that were switched on, in upper case."""
        return self._session.connection.enabled

    @property
    def greeting_text(self) -> str:
        """How the server greeted; empty after STARTTLS, for then anybody may have said it."""
        greeting = self._session.connection.greeting
        return printable(greeting.text) if greeting else ""

    @property
    def exists(self) -> int:
        """How many messages the selected mailbox holds, as last told."""
        return self._session.exists

    @property
    def expunged_since_examine(self) -> int:
        """How many messages of the selected mailbox the server said went away meanwhile.

        Courier serves a made-up message in place of one that another session expunged and
        tells only at the next command that permits it: `noop` after bodies, then look here.
        """
        return self._session.expunged

    def list_mailboxes(self) -> list[ListedMailbox]:
        """List all mailboxes, with state, subscription and special use."""
        return imap_listing.list_mailboxes(self._session)

    def status(self, wire_name: bytes) -> MailboxState:
        """Ask for the state of one mailbox. Raises ServerRefused."""
        return imap_listing.status(self._session, wire_name)

    def examine(self, wire_name: bytes, *, qresync: tuple[int, int] | None = None) -> Selected:
        """Open a mailbox for reading only.

        `qresync` is the UIDVALIDITY and HIGHESTMODSEQ last seen; without QRESYNC it is
        ignored. Raises ServerRefused.
        """
        uidnext = None if self._tells_uidnext else self.status(wire_name).uidnext
        selected = imap_selecting.examine(self._session, wire_name, qresync)
        if selected.state.uidnext is None and self._tells_uidnext:
            # Courier tells UIDNEXT only by STATUS. Asked before, it errs to the safe side.
            self._tells_uidnext = False
            return self.examine(wire_name, qresync=qresync)
        return imap_selecting.with_uidnext(selected, uidnext)

    def search_uids(self, first: Uid, last: Uid | None = None) -> UidSet:
        """Ask which UIDs from `first` to `last` exist. Raises ServerRefused."""
        # Not "n:*", which always holds the last message (RFC 9051 9, seq-number).
        wanted = UidSet([(first, MAXIMUM if last is None else last)])
        command = commands.uid_search(wanted, esearch="ESEARCH" in self.capabilities)
        found = EMPTY
        for value in self._session.run(command):
            if isinstance(value, Search):
                found |= value.numbers
            elif isinstance(value, ESearch) and value.all is not None:
                found |= value.all
        return found & wanted

    def search_message_id(self, message_id: str) -> UidSet:
        """Ask which messages have that Message-ID, or one like it. Raises ServerRefused."""
        return imap_searching.search_message_id(self._session, message_id)

    def fetch_flags(
        self, uids: UidSet, *, changed_since: int | None = None, vanished: bool = False
    ) -> Iterator[Fetched]:
        """Yield the flags of those of `uids` that exist, as they come.

        `changed_since` needs CONDSTORE. `vanished` needs QRESYNC as well; `self.vanished`
        then holds which of `uids` are gone, once the last message was yielded.
        Raises ServerRefused.
        """
        scan = imap_fetch.FlagScan(self._session)
        self.vanished = EMPTY
        yield from scan.run(uids, changed_since, vanished)
        self.vanished = scan.vanished

    def fetch_fingerprints(self, uids: UidSet) -> list[Fetched]:
        """Fetch size, date, flags and Message-ID. Raises ServerRefused."""
        return list(imap_fetch.fetch_fingerprints(self._session, uids))

    def fetch_sizes(self, uids: UidSet) -> Iterator[Fetched]:
        """Yield sizes and dates, as they come. Raises ServerRefused."""
        return imap_fetch.fetch_sizes(self._session, uids)

    def fetch_listing(self, uids: UidSet) -> Iterator[Fetched]:
        """Yield sizes and flags, as they come. Raises ServerRefused."""
        return imap_fetch.fetch_listing(self._session, uids)

    def fetch_bodies(self, sets: Iterable[UidSet], *, depth: int = 3) -> Iterator[FetchedSet]:
        """Fetch messages, with `depth` commands in flight, one result for each command.

        A set too long for a command line is cut, and gives several results. A message is
        in a result only if it was asked for, is complete, and its command was; one that is
        missing from an unrefused result is gone, or the server would not give it. The small
        messages of a set are in memory together: the caller chooses how many.
        """
        return imap_fetch.fetch_bodies(self._session, sets, depth)

    def expunge(self, wire_name: bytes, uids: UidSet, *, uidvalidity: int) -> UidSet:
        """Delete exactly these messages for good, and give those that are gone then.

        The one thing here that changes a mailbox: it is opened by SELECT, and left open.
        Raises ServerRefused, also where the server has no UIDPLUS.
        """
        imap_removing.expunge(self._session, wire_name, uids, uidvalidity)
        if not uids:
            return EMPTY
        first, last = uids.ranges[0][0], uids.ranges[-1][1]
        return uids - self.search_uids(Uid(first), Uid(last))

    def noop(self) -> None:
        """Give the server the occasion to tell what changed. Raises ServerRefused."""
        self._session.run(commands.noop())

    def idle(self, timeout: float) -> bool:
        """Wait at most so many seconds for a change in the mailbox (RFC 2177).

        Return whether there was one. Raises ServerRefused.
        """
        session = self._session
        tag = session.send(commands.idle())
        answer = session.challenge(tag)
        if isinstance(answer, Tagged):
            raise refused(session.endpoint, "IDLE", answer)
        has_changed = _waits_for_change(session, timeout)
        session.connection.done()
        session.flush()
        last_words = list(session.answers(tag))
        return has_changed or any(map(_is_change, last_words))

    def logout(self) -> None:
        """Say goodbye and close. Never raises, and lasts no longer than its deadline."""
        session = self._session
        if session.stream.is_broken:
            session.abort()
            return
        session.is_leaving = True
        deadline = monotonic() + session.endpoint.timeouts.logout
        try:
            tag = session.send(commands.logout())
            while (left := deadline - monotonic()) > 0:
                value = session.event(left).value
                if isinstance(value, Tagged) and value.tag == tag:
                    break
        except (MailvaultError, ValueError):
            pass  # it is over, one way or the other
        finally:
            session.abort()

    def abort(self) -> None:
        """Close without a word. Idempotent."""
        self._session.abort()

    def interrupt(self) -> None:
        """From another thread: make whoever waits for the server meet a ConnectionLost."""
        self._session.stream.interrupt()


def _begin(session: Session, login: Login) -> dict[str, str]:
    greeting = imap_login.greet(session)
    if session.endpoint.tls is TlsMode.STARTTLS:
        imap_login.start_tls(session)
    if greeting.condition is not Condition.PREAUTH:
        imap_login.log_in(session, login)
    server_id = imap_login.set_up(session)
    imap_login.compress(session)
    return server_id


def _waits_for_change(session: Session, timeout: float) -> bool:
    deadline = monotonic() + timeout
    while (left := deadline - monotonic()) > 0:
        if not session.wait(left):
            return False
        if _is_change(session.event().value):
            return True
    return False


def _is_change(value: object) -> bool:
    return isinstance(value, Exists | Expunge | Fetch | Vanished)
