"""What the command line may ask of this room."""

import logging
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from mailvault import wiring
from mailvault.config.model import Configuration
from mailvault.daemon import service

if TYPE_CHECKING:
    from mailvault.operations.ended import RunEnded
    from mailvault.operations.reports import Progress

log = logging.getLogger(__name__)


class Unattended:
    """Implements `cli.unattended.Unattended`."""

    def serve(
        self, configuration: Configuration, metrics: tuple[str, int] | None = None
    ) -> None:
        """Be the daemon until a signal ends it. Raises ArchiveLocked, UsageError."""
        lease = wiring.take_lease(configuration)  # before all that takes time to load
        from mailvault.daemon.bulletin import LAST_WORDS, Bulletin
        from mailvault.daemon.daemon import Daemon
        from mailvault.daemon.listening import listeners
        from mailvault.daemon.notify_socket import NotifySocket
        from mailvault.wiring.telling import Teller

        systemd = NotifySocket.from_environment(os.environ)

        def choose(configuration: Configuration) -> tuple[str, int] | None:
            return metrics or configuration.metrics.listen

        with (
            Teller(is_lasting=True) as teller,
            Bulletin(configuration, choose, patience=LAST_WORDS) as bulletin,
        ):
            hearing = partial(listeners, bulletin=bulletin, teller=teller)
            daemon = Daemon(configuration, systemd=systemd, listeners=hearing)
            daemon.run(lease)
        if not daemon.has_ended:
            # A thread waits for a server; the interpreter would wait for the thread.
            logging.shutdown()
            sys.stdout.flush()
            os._exit(0)

    def run_due(self, configuration: Configuration, progress: "Progress") -> "list[RunEnded]":
        """Do once what is due. Raises ArchiveLocked."""
        with wiring.take_lease(configuration):  # before all that takes time to load
            from mailvault.daemon.bulletin import Bulletin
            from mailvault.daemon.listening import listeners
            from mailvault.daemon.once import run_due
            from mailvault.wiring.telling import Teller

            with Teller() as teller, Bulletin(configuration) as bulletin:
                publish = listeners(configuration, bulletin=bulletin, teller=teller)
                return run_due(configuration, publish, progress)

    def describe_service(self, configuration: Configuration, way: str, *, is_user: bool) -> str:
        return service.describe(configuration, way, is_user=is_user)

    def can_install_service(self, way: str) -> bool:
        return service.can_install(way)

    def install_service(
        self, configuration: Configuration, way: str, *, is_user: bool
    ) -> list[str]:
        return service.install(configuration, way, is_user=is_user)

    def uninstall_service(self, way: str, *, is_user: bool) -> list[str]:
        return service.uninstall(way, is_user=is_user)
