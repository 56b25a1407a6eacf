"""The page that Prometheus fetches from a running daemon."""

import logging
from collections.abc import Callable

from mailvault.config.accounts import is_loopback
from mailvault.errors import UsageError
from mailvault.monitoring.exposition import Exposition, require_library
from mailvault.monitoring.overview import Overview
from mailvault.monitoring.tally import Tally

log = logging.getLogger(__name__)


class Page:
    """Answers until it is closed. Raises UsageError where it cannot listen."""

    def __init__(
        self, address: tuple[str, int], read: Callable[[], Overview], tally: Tally
    ) -> None:
        require_library()
        from prometheus_client import ProcessCollector, start_http_server

        host, port = address
        registry = Exposition(read, tally).registry()
        ProcessCollector(registry=registry)
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            raise UsageError(
                f"cannot answer at {host}:{port}: {(error.strerror or str(error)).lower()}",
                hint="choose another address: daemon --metrics, or listen in [metrics]",
            ) from error
        log.info(
            "metrics are at http://%s:%d/metrics", f"[{host}]" if ":" in host else host, port
        )
        if not is_loopback(host):
            log.warning(
                "%s can be reached from elsewhere: anybody there learns the names of accounts "
                "and how many messages they hold; 127.0.0.1 is for this machine alone",
                host,
            )

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
