"""Notice a server that drips or dawdles, although each single read meets its deadline."""

from collections.abc import Callable
from time import monotonic

from mailvault.errors import ConnectionLost
from mailvault.transport.endpoint import Timeouts


class Pace:
    """Counts the time spent waiting and what came of it; tells of nothing but the server."""

    def __init__(
        self, server: str, timeouts: Timeouts, clock: Callable[[], float] = monotonic
    ) -> None:
        self._server = server
        self._timeouts = timeouts
        self._clock = clock
        self._since = 0.0
        self._waited = self._waited_in_all = 0.0
        self._octets = 0

    def start(self) -> None:
        """A read begins."""
        self._since = self._clock()

    def stop(self, octets: int) -> None:
        """A read ended with so many octets.

        Raises:
            ConnectionLost: the server has been too slow for too long.
        """
        waited = self._clock() - self._since
        self._waited += waited
        self._waited_in_all += waited
        self._octets += octets
        if self._waited >= self._timeouts.rate_window:
            if self._octets < self._timeouts.minimum_rate * self._waited:
                raise ConnectionLost(
                    f"{self._server} sent {self._octets} octets in {self._waited:.0f} s"
                    " of an unfinished response",
                    hint="the connection is too slow to be of use; try again later",
                )
            self.response_came()
        if self._waited_in_all >= self._timeouts.stall:
            raise ConnectionLost(
                f"{self._server} kept talking for {self._waited_in_all:.0f} s without answering"
            )

    def response_came(self) -> None:
        """A whole response is here: thinking long is no drip."""
        self._waited = 0.0
        self._octets = 0

    def answer_came(self) -> None:
        """What was asked for is here, or a part of it."""
        self.response_came()
        self._waited_in_all = 0.0
