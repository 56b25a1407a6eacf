"""Who hears of what the daemon and `run --due` do: the place where alarms are attached."""

from mailvault.config.model import Configuration
from mailvault.daemon.bulletin import Bulletin
from mailvault.operations.ended import Listener, Publisher


def listeners(configuration: Configuration, *, bulletin: Bulletin) -> Publisher:
    """Everybody who wants to hear of events under this configuration."""
    bulletin.follow(configuration)
    return Publisher((bulletin, *_of(configuration)))


def _of(_: Configuration) -> tuple[Listener, ...]:
    return ()
