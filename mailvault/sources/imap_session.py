"""One IMAP connection that is made again when it is lost, with a mailbox open in it."""

import logging
from collections.abc import Callable
from types import TracebackType

from mailvault.errors import ConnectionLost
from mailvault.ports import Clock
from mailvault.transport.imap import ImapClient
from mailvault.transport.imap_values import Selected

log = logging.getLogger(__name__)

RECONNECT_DELAYS = (0.0, 1.0, 4.0, 15.0)
"""Seconds before each attempt to connect again."""


class ImapSession:
    """Owns the connection. After `reconnect` the same mailbox is open, or it raises."""

    def __init__(self, connect: Callable[[], ImapClient], clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._client: ImapClient | None = None

    def __enter__(self) -> "ImapSession":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        if kind is None:
            client.logout()
        else:
            client.abort()

    @property
    def client(self) -> ImapClient:
        """The live connection, made at the first use."""
        if self._client is None:
            self._client = self._connect()
        return self._client

    def examine(self, wire_name: bytes, *, qresync: tuple[int, int] | None = None) -> Selected:
        """Open a mailbox read-only. A connection the server had closed is made again once.

        Servers end idle connections while another mailbox's mail is being stored.
        """
        try:
            return self.client.examine(wire_name, qresync=qresync)
        except ConnectionLost as lost:
            log.info("connecting again: %s", lost)
            self.drop()
            return self.client.examine(wire_name, qresync=qresync)

    def reopen(self, wire_name: bytes) -> Selected:
        """Connect again and open the mailbox. Raises ConnectionLost when it cannot be done."""
        for delay in RECONNECT_DELAYS[:-1]:
            try:
                return self._reopen_after(delay, wire_name)
            except ConnectionLost as lost:
                log.info("still no connection: %s", lost)
        return self._reopen_after(RECONNECT_DELAYS[-1], wire_name)

    def _reopen_after(self, delay: float, wire_name: bytes) -> Selected:
        self.drop()
        if delay:
            self._clock.sleep(delay)
        return self.client.examine(wire_name)

    def drop(self) -> None:
        """Forget the connection without a word to the server."""
        client, self._client = self._client, None
        if client is not None:
            client.abort()
