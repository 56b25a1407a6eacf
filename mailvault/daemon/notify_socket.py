"""What a service tells systemd: one datagram for each thing (sd_notify(3))."""

import logging
import os
import socket
from collections.abc import MutableMapping

log = logging.getLogger(__name__)


class NotifySocket:
    """Says nothing where nobody listens."""

    def __init__(self, address: str | None, watchdog: float | None = None) -> None:
        """``watchdog`` is the time in seconds within which it wants to hear from us."""
        self._address = address
        self.watchdog = watchdog

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str]) -> "NotifySocket":
        """Take the socket over; programs that we start must not speak for us."""
        address = environment.pop("NOTIFY_SOCKET", None)
        microseconds = environment.pop("WATCHDOG_USEC", "")
        pid = environment.pop("WATCHDOG_PID", None)
        is_ours = pid is None or pid == str(os.getpid())
        wanted = int(microseconds) / 1e6 if microseconds.isdecimal() and is_ours else None
        return cls(address or None, wanted or None)

    def tell(self, **fields: str | int) -> None:
        """Send fields such as READY=1. A listener that is gone is no reason to end."""
        if self._address is None:
            return
        lines = "\n".join(f"{name}={value}" for name, value in fields.items())
        address = self._address
        if address.startswith("@"):  # unix(7): the abstract namespace
            address = "\0" + address[1:]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.settimeout(1.0)
                sock.sendto(lines.encode(), address)
        except OSError as error:
            log.debug("systemd does not listen: %s", error)
