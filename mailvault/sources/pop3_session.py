"""One POP3 session after the other, each with its own listing: numbers never outlive it."""

import logging
from collections.abc import Callable

from mailvault.errors import ConnectionLost, ServerBusy
from mailvault.ports import Clock
from mailvault.protocols.pop3.listings import Listing
from mailvault.transport.pop3 import Pop3Client

log = logging.getLogger(__name__)

DELAYS = (0.0, 1.0, 4.0, 15.0)
"""Seconds before each attempt to connect again."""


class Pop3Session:
    """Owns the connection. `open` begins a session where none is open."""

    def __init__(self, connect: Callable[[], Pop3Client], clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._client: Pop3Client | None = None
        self._listing: Listing | None = None

    @property
    def client(self) -> Pop3Client:
        if self._client is None:
            self.open()
        assert self._client is not None
        return self._client

    @property
    def listing(self) -> Listing:
        if self._listing is None:
            self.open()
        assert self._listing is not None
        return self._listing

    @property
    def reliable(self) -> dict[str, int]:
        """Unique-ids that name one message of this session each, and its number."""
        return self.listing.reliable

    def open(self) -> None:
        """Connect and list. Raises SourceError."""
        self.drop()
        client = self._connect()
        self._client = client
        self._listing = client.listing()

    def reopen(self) -> None:
        """Begin another session; a server still busy with the last one is given time.

        Raises SourceError when it cannot be done.
        """
        for delay in DELAYS:
            try:
                if delay:
                    self._clock.sleep(delay)
                return self.open()
            except (ConnectionLost, ServerBusy) as error:
                if delay == DELAYS[-1]:
                    raise
                log.info("still no session: %s", error)
        return None

    def finish(self) -> None:
        """Say QUIT: the next session may show other messages."""
        client, self._client = self._client, None
        self._listing = None
        if client is not None:
            client.logout()

    def drop(self) -> None:
        """End the session without a word: the server changes nothing."""
        client, self._client = self._client, None
        self._listing = None
        if client is not None:
            client.abort()
