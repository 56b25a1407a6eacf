"""Who hears of what the daemon and `run --due` do: the place where alarms are attached."""

from mailvault.config.model import Configuration
from mailvault.operations.ended import Listener, Publisher


def listeners(configuration: Configuration) -> Publisher:
    """Everybody who wants to hear of events under this configuration."""
    return Publisher(_of(configuration))


def _of(_: Configuration) -> tuple[Listener, ...]:
    return ()
