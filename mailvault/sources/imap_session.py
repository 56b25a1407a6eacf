"""One IMAP connection that is made again when it is lost, with a mailbox open in it."""

import logging
from collections.abc import Callable
from typing import TypeVar

from mailvault.errors import ConnectionLost, ServerBusy
from mailvault.ports import Clock
from mailvault.transport.imap import ImapClient
from mailvault.transport.imap_values import Selected
from mailvault.transport.retry import Backoff, retrying, waiting_out

log = logging.getLogger(__name__)

T = TypeVar("T")

RECONNECT = Backoff(attempts=5, first=1.0, longest=15.0, busy=20.0, bearable=60.0)
"""How often a lost connection is made again, and after which waits."""

PATIENCE = 60.0
"""Seconds in a row that a busy server is waited for before the account is left alone."""

USUAL_REST = 20.0
"""Seconds to wait where the server does not say how long."""


class ImapSession:
    """Owns the connection. After `reconnect` the same mailbox is open, or it raises."""

    def __init__(self, connect: Callable[[], ImapClient], clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._client: ImapClient | None = None
        self._patience = PATIENCE

    def __enter__(self) -> "ImapSession":
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        if kind is None:
            client.logout()
        else:
            client.abort()

    @property
    def client(self) -> ImapClient:
        """The live connection, made at the first use. A busy server is given a little time."""
        if self._client is None:
            self._client = waiting_out(
                self._connect, self._clock, longest=PATIENCE, usual=USUAL_REST
            )
        return self._client

    def served(self) -> None:
        """The server gave what was asked for: its next wish to rest is a new one."""
        self._patience = PATIENCE

    def rest(self, busy: ServerBusy) -> None:
        """Leave the server alone as long as it wants; its error stands if that is long."""
        wait = max(1.0, USUAL_REST if busy.retry_after is None else busy.retry_after)
        if wait > self._patience:
            raise busy
        log.info("%s; going on in %.0f s", busy, wait)
        self._patience -= wait
        self._clock.sleep(wait)

    def examine(self, wire_name: bytes, *, qresync: tuple[int, int] | None = None) -> Selected:
        """Open a mailbox read-only. A connection the server had closed is made again once.

        Servers end idle connections while another mailbox's mail is being stored.
        """
        try:
            return self.patiently(lambda: self.client.examine(wire_name, qresync=qresync))
        except ConnectionLost as lost:
            log.info("connecting again: %s", lost)
            self.drop()
            return self.client.examine(wire_name, qresync=qresync)

    def patiently(self, action: Callable[[], T]) -> T:
        """Do ``action``, again if need be, while a busy server wants only a little time."""

        def attempt() -> T:
            try:
                return action()
            except ServerBusy:
                self.drop()  # it may have said so by BYE
                raise

        return waiting_out(attempt, self._clock, longest=PATIENCE, usual=USUAL_REST)

    def reopen(self, wire_name: bytes) -> Selected:
        """Connect again and open the mailbox. Raises ConnectionLost when it cannot be done."""
        return retrying(lambda: self._reopen(wire_name), self._clock, RECONNECT)

    def _reopen(self, wire_name: bytes) -> Selected:
        self.drop()
        self._client = self._connect()
        return self._client.examine(wire_name)

    def drop(self) -> None:
        """Forget the connection without a word to the server."""
        client, self._client = self._client, None
        if client is not None:
            client.abort()
