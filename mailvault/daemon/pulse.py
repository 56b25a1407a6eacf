"""Whether work gets on: what the watchdog is told depends on it."""

from mailvault.mail.model import MailboxName
from mailvault.ports import Clock

STALL = 3600.0
"""Seconds without any progress after which work under way counts as stuck.

Every wait for a server is bounded by minutes; a single very large message may take longer.
"""


class Pulse:
    """Implements `reports.Progress`: every sign of progress is a beat."""

    def __init__(self, clock: Clock, *, stall: float = STALL) -> None:
        self._clock = clock
        self._stall = stall
        self._last: float | None = None

    def begin(self) -> None:
        """Work begins; from now on there must be beats."""
        self._last = self._clock.monotonic()

    def end(self) -> None:
        self._last = None

    @property
    def is_stuck(self) -> bool:
        last = self._last
        return last is not None and self._clock.monotonic() - last > self._stall

    def beat(self) -> None:
        if self._last is not None:
            self._last = self._clock.monotonic()

    def expect(self, messages: int) -> None:  # noqa: ARG002 - what it is does not matter here
        self.beat()

    def mailbox(self, account: str, name: MailboxName, messages: int | None) -> None:  # noqa: ARG002
        self.beat()

    def stored(self, messages: int, octets: int) -> None:  # noqa: ARG002
        self.beat()

    def done(self, account: str, name: MailboxName) -> None:  # noqa: ARG002
        self.beat()
